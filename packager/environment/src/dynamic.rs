//! What a compiled file asks of the dynamic loader: its own name, the libraries it needs and where
//! it looks for them (System V ABI, "Dynamic Section"; ld.so(8)).

use std::io::{self, Read};

use mlpack_requirements::Architecture;
use object::LittleEndian;
use object::elf::{
    DT_NEEDED, DT_NULL, DT_RPATH, DT_RUNPATH, DT_SONAME, DT_STRSZ, DT_STRTAB, Dyn64, DynamicTag,
    ELFCLASS64, ELFDATA2LSB, EM_AARCH64, EM_X86_64, FileHeader64, PT_DYNAMIC, PT_LOAD,
    ProgramHeader64,
};
use object::pod::{from_bytes, slice_from_bytes};

/// A table of program headers or of dynamic entries is never larger, in bytes.
const TABLE: u64 = 1 << 20;
/// Nor is the part of a string table that holds names of libraries.
const STRINGS: u64 = 128 << 20;

/// The dynamic section of a 64-bit library or program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Dynamic {
    pub(crate) architecture: Architecture,
    /// The name others ask for it by.
    pub(crate) soname: Option<String>,
    /// Names of libraries, in the order they are loaded.
    pub(crate) needed: Vec<String>,
    /// Folders that are searched first, as written: `$ORIGIN/../lib`.
    pub(crate) search: Vec<String>,
}

/// Opens the bytes of a file; called again to go back in it.
pub(crate) type Open<'a> = &'a dyn Fn() -> io::Result<Box<dyn Read + Send>>;

/// Reads the dynamic section out of a stream, keeping only what is asked for. Nothing for what is no
/// such file, also where it only begins like one.
pub(crate) fn read(open: Open<'_>) -> io::Result<Option<Dynamic>> {
    let mut file = Forward { open, reader: open()?, at: 0 };
    let Some(head) = file.take(0, size_of::<FileHeader64<LittleEndian>>() as u64)? else {
        return Ok(None);
    };
    let Ok((header, _)) = from_bytes::<FileHeader64<LittleEndian>>(&head) else { return Ok(None) };
    let ident = header.e_ident;
    if ident.magic != object::elf::ELFMAG || (ident.class, ident.data) != (ELFCLASS64, ELFDATA2LSB)
    {
        return Ok(None);
    }
    let architecture = match header.e_machine.get(LittleEndian) {
        EM_X86_64 => Architecture::Amd64,
        EM_AARCH64 => Architecture::Arm64,
        _ => return Ok(None),
    };
    let count = u64::from(header.e_phnum.get(LittleEndian));
    let size = count * size_of::<ProgramHeader64<LittleEndian>>() as u64;
    let Some(table) = file.take(header.e_phoff.get(LittleEndian), size)? else { return Ok(None) };
    let count = usize::try_from(count).unwrap_or(0);
    let Ok((segments, _)) = slice_from_bytes::<ProgramHeader64<LittleEndian>>(&table, count) else {
        return Ok(None);
    };
    let Some(dynamic) = segments.iter().find(|s| s.p_type.get(LittleEndian) == PT_DYNAMIC) else {
        return Ok(None);
    };
    let (offset, size) = (dynamic.p_offset.get(LittleEndian), dynamic.p_filesz.get(LittleEndian));
    let Some(entries) = file.take(offset, size)? else { return Ok(None) };
    let count = entries.len() / size_of::<Dyn64<LittleEndian>>();
    let Ok((entries, _)) = slice_from_bytes::<Dyn64<LittleEndian>>(&entries, count) else {
        return Ok(None);
    };
    let entries = Entries(entries);
    let Some(names) = names(&mut file, segments, &entries)? else { return Ok(None) };
    let all = |tag| entries.all(tag).filter_map(|at| names.get(at)).collect::<Vec<_>>();
    // Where both are there, the loader leaves RPATH out.
    let path = entries.all(DT_RUNPATH).next().or_else(|| entries.all(DT_RPATH).next());
    let path = path.and_then(|at| names.get(at)).unwrap_or_default();
    Ok(Some(Dynamic {
        architecture,
        soname: all(DT_SONAME).into_iter().next(),
        needed: all(DT_NEEDED),
        search: path.split(':').filter(|dir| !dir.is_empty()).map(str::to_owned).collect(),
    }))
}

/// Entries up to the first null.
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
    /// Of its first byte in the table.
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

/// The part of the string table that the wanted entries point into.
fn names(
    file: &mut Forward<'_>,
    segments: &[ProgramHeader64<LittleEndian>],
    entries: &Entries<'_>,
) -> io::Result<Option<Names>> {
    /// A name and its end.
    const LONGEST: u64 = 4096;
    let wanted = || {
        [DT_NEEDED, DT_SONAME, DT_RPATH, DT_RUNPATH].into_iter().flat_map(|tag| entries.all(tag))
    };
    let (Some(first), Some(last)) = (wanted().min(), wanted().max()) else {
        return Ok(Some(Names { start: 0, bytes: Vec::new() }));
    };
    let (Some(table), Some(size)) = (entries.all(DT_STRTAB).next(), entries.all(DT_STRSZ).next())
    else {
        return Ok(None);
    };
    let end = size.min(last.saturating_add(LONGEST));
    // The table is named by its address in memory.
    let place = segments.iter().find_map(|segment| {
        let inside = table.checked_sub(segment.p_vaddr.get(LittleEndian))?;
        (segment.p_type.get(LittleEndian) == PT_LOAD && inside < segment.p_filesz.get(LittleEndian))
            .then(|| segment.p_offset.get(LittleEndian).checked_add(inside))?
    });
    let (Some(place), Some(length)) = (place, end.checked_sub(first)) else { return Ok(None) };
    if length > STRINGS {
        return Ok(None);
    }
    let bytes = file.take_at_most(place.saturating_add(first), length)?;
    Ok(Some(Names { start: first, bytes }))
}

/// A stream with a place in it; it is opened again to go back.
struct Forward<'a> {
    open: Open<'a>,
    reader: Box<dyn Read + Send>,
    at: u64,
}

impl Forward<'_> {
    /// Exactly so many bytes, if they are there.
    fn take(&mut self, offset: u64, length: u64) -> io::Result<Option<Vec<u8>>> {
        if length > TABLE {
            return Ok(None);
        }
        let bytes = self.take_at_most(offset, length)?;
        Ok((bytes.len() as u64 == length).then_some(bytes))
    }

    fn take_at_most(&mut self, offset: u64, length: u64) -> io::Result<Vec<u8>> {
        if offset < self.at {
            self.reader = (self.open)()?;
            self.at = 0;
        }
        self.at += io::copy(&mut (&mut self.reader).take(offset - self.at), &mut io::sink())?;
        let mut bytes = Vec::new();
        if self.at == offset {
            self.at += (&mut self.reader).take(length).read_to_end(&mut bytes)? as u64;
        }
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    fn of(path: &'static str) -> Option<Dynamic> {
        read(&|| Ok(Box::new(File::open(path)?))).unwrap()
    }

    #[test]
    fn this_very_program_needs_libc() {
        let found = of("/proc/self/exe").unwrap();
        assert!(found.needed.contains(&"libc.so.6".to_owned()), "{found:?}");
        assert_eq!(
            (Some(found.architecture), found.soname),
            (Architecture::of_this_machine(), None)
        );
    }

    #[test]
    fn what_is_none_or_broken_has_nothing() {
        assert_eq!(of("/etc/passwd"), None);
        let program = std::fs::read("/proc/self/exe").unwrap();
        for end in [0, 3, 63, 64, 100, 4096] {
            let cut = program[..end].to_vec();
            let found = read(&|| Ok(Box::new(io::Cursor::new(cut.clone())))).unwrap();
            assert_eq!(found, None, "{end}");
        }
    }
}
