//! The dynamic section: a file's name, the libraries it needs and where the loader searches for them
//! (System V ABI, "Dynamic Section"; ld.so(8)).

use std::io;

use object::LittleEndian;
use object::elf::{
    DT_NEEDED, DT_NULL, DT_RPATH, DT_RUNPATH, DT_SONAME, DT_STRSZ, DT_STRTAB, Dyn64, DynamicTag,
    PT_LOAD, ProgramHeader64,
};
use object::pod::slice_from_bytes;

use crate::source::Source;

/// The largest part of a string table with names of libraries that is read, in bytes.
const MAX_STRINGS: u64 = 128 << 20;

/// The dynamic section of a library or program.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dynamic {
    /// The name that other files need it by.
    pub soname: Option<String>,
    /// Names of the libraries it needs, in the order they are loaded.
    pub needed: Vec<String>,
    /// Folders of `DT_RPATH` as written (`$ORIGIN/../lib`); empty if there is a `DT_RUNPATH`, since
    /// the loader then ignores them.
    pub rpath: Vec<String>,
    /// Folders of `DT_RUNPATH` as written.
    pub runpath: Vec<String>,
}

impl Dynamic {
    /// Returns the folders that are searched before the system's, as written.
    pub fn search(&self) -> impl Iterator<Item = &str> {
        self.runpath.iter().chain(&self.rpath).map(String::as_str)
    }
}

/// Reads the dynamic section in `segment`, or returns `None` if it is truncated.
pub(crate) fn read(
    source: &mut dyn Source,
    segment: &ProgramHeader64<LittleEndian>,
    segments: &[ProgramHeader64<LittleEndian>],
) -> io::Result<Option<Dynamic>> {
    let (offset, size) = (segment.p_offset.get(LittleEndian), segment.p_filesz.get(LittleEndian));
    let Some(entries) = source.read_table(offset, size)? else { return Ok(None) };
    let count = entries.len() / size_of::<Dyn64<LittleEndian>>();
    let Ok((entries, _)) = slice_from_bytes::<Dyn64<LittleEndian>>(&entries, count) else {
        return Ok(None);
    };
    let entries = Entries(entries);
    let Some(names) = names(source, segments, &entries)? else { return Ok(None) };
    let all = |tag| entries.all(tag).filter_map(|at| names.get(at)).collect::<Vec<_>>();
    let folders = |tag| {
        let text = all(tag).into_iter().next()?;
        Some(text.split(':').filter(|dir| !dir.is_empty()).map(str::to_owned).collect())
    };
    let (rpath, runpath) = match folders(DT_RUNPATH) {
        Some(runpath) => (Vec::new(), runpath),
        None => (folders(DT_RPATH).unwrap_or_default(), Vec::new()),
    };
    Ok(Some(Dynamic {
        soname: all(DT_SONAME).into_iter().next(),
        needed: all(DT_NEEDED),
        rpath,
        runpath,
    }))
}

/// The entries of the section; a null entry ends them.
struct Entries<'a>(&'a [Dyn64<LittleEndian>]);

impl Entries<'_> {
    fn all(&self, tag: DynamicTag) -> impl Iterator<Item = u64> {
        self.0
            .iter()
            .take_while(|entry| entry.d_tag.get(LittleEndian) != DT_NULL)
            .filter(move |entry| entry.d_tag.get(LittleEndian) == tag)
            .map(|entry| entry.d_val.get(LittleEndian))
    }
}

/// A part of a string table.
struct Names {
    /// Offset of the part in the table.
    start: u64,
    bytes: Vec<u8>,
}

impl Names {
    fn get(&self, at: u64) -> Option<String> {
        let start = usize::try_from(at.checked_sub(self.start)?).ok()?;
        let name = self.bytes.get(start..)?.split(|byte| *byte == 0).next()?;
        Some(String::from_utf8_lossy(name).into_owned())
    }
}

/// Reads the part of the string table that the entries point into.
fn names(
    source: &mut dyn Source,
    segments: &[ProgramHeader64<LittleEndian>],
    entries: &Entries<'_>,
) -> io::Result<Option<Names>> {
    /// A name with its final zero, in bytes.
    const LONGEST: u64 = 4096;
    let offsets = || {
        [DT_NEEDED, DT_SONAME, DT_RPATH, DT_RUNPATH].into_iter().flat_map(|tag| entries.all(tag))
    };
    let (Some(first), Some(last)) = (offsets().min(), offsets().max()) else {
        return Ok(Some(Names { start: 0, bytes: Vec::new() }));
    };
    let (Some(table), Some(size)) = (entries.all(DT_STRTAB).next(), entries.all(DT_STRSZ).next())
    else {
        return Ok(None);
    };
    let end = size.min(last.saturating_add(LONGEST));
    // The section gives the table's address in memory; the loaded segments map it to an offset.
    let offset = segments.iter().find_map(|segment| {
        let inside = table.checked_sub(segment.p_vaddr.get(LittleEndian))?;
        (segment.p_type.get(LittleEndian) == PT_LOAD && inside < segment.p_filesz.get(LittleEndian))
            .then(|| segment.p_offset.get(LittleEndian).checked_add(inside))?
    });
    let (Some(offset), Some(length)) = (offset, end.checked_sub(first)) else { return Ok(None) };
    if length > MAX_STRINGS {
        return Ok(None);
    }
    let bytes = source.read_at_most(offset.saturating_add(first), length)?;
    Ok(Some(Names { start: first, bytes }))
}
