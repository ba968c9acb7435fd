//! What a program or library asks of the dynamic loader (ELF, gABI chapter 5 "Dynamic Linking").

use std::fs::File;
use std::path::Path;

use object::Endianness;
use object::elf::{self, FileHeader64};
use object::read::elf::{Dyn as _, FileHeader as _, ProgramHeader as _};
use object::read::{ReadCache, ReadRef, StringTable};

type Header = FileHeader64<Endianness>;

/// The dynamic part of one ELF file of 64 bits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Binary {
    /// Machine of the header, as in `EM_X86_64`.
    pub(crate) machine: u16,
    /// The dynamic loader it names.
    pub(crate) loader: Option<String>,
    /// Libraries it needs, in order.
    pub(crate) needed: Vec<String>,
    /// Folders of `DT_RPATH`, unless there is a `DT_RUNPATH`.
    pub(crate) rpath: Vec<String>,
    /// Folders of `DT_RUNPATH`.
    pub(crate) runpath: Vec<String>,
}

impl Binary {
    /// Reads only the headers and the dynamic table of the file, whatever its size.
    ///
    /// # Errors
    /// The reason why it is not such a file.
    pub(crate) fn read(path: &Path) -> Result<Self, String> {
        let file = File::open(path).map_err(|error| error.to_string())?;
        Self::parse(&ReadCache::new(file)).map_err(|error| error.to_string())
    }

    fn parse<'data, R: ReadRef<'data>>(data: R) -> object::read::Result<Self> {
        let header = Header::parse(data)?;
        let endian = header.endian()?;
        let segments = header.program_headers(endian, data)?;
        let mut found = Self { machine: header.e_machine(endian).0, ..Self::default() };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        for segment in segments {
            if let Some(loader) = segment.interpreter(endian, data)? {
                found.loader = Some(text(loader));
            }
            let Some(entries) = segment.dynamic(endian, data)? else { continue };
            let entries = || entries.iter().take_while(|entry| entry.tag(endian) != elf::DT_NULL);
            let value = |tag| {
                entries().find(|entry| entry.tag(endian) == tag).map(|entry| entry.val(endian))
            };
            let (Some(address), Some(size)) = (value(elf::DT_STRTAB), value(elf::DT_STRSZ)) else {
                continue;
            };
            // The table's address holds for the memory image; its loadable segment tells the offset.
            let Some(offset) = segments.iter().find_map(|loaded| {
                let within = address.checked_sub(loaded.p_vaddr(endian))?;
                (loaded.p_type(endian) == elf::PT_LOAD && within < loaded.p_filesz(endian))
                    .then(|| loaded.p_offset(endian).checked_add(within))?
            }) else {
                continue;
            };
            let strings = StringTable::new(data, offset, offset.saturating_add(size));
            let folders = |list: &[u8]| {
                text(list).split(':').filter(|dir| !dir.is_empty()).map(str::to_owned).collect()
            };
            for entry in entries() {
                match entry.tag(endian) {
                    elf::DT_NEEDED => found.needed.push(text(entry.string(endian, strings)?)),
                    elf::DT_RPATH => found.rpath = folders(entry.string(endian, strings)?),
                    elf::DT_RUNPATH => found.runpath = folders(entry.string(endian, strings)?),
                    _ => {}
                }
            }
        }
        // A DT_RUNPATH makes the loader forget the DT_RPATH (ld.so(8)).
        if !found.runpath.is_empty() {
            found.rpath.clear();
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_test_program_itself_names_its_loader_and_libc() {
        let own = Binary::read(Path::new("/proc/self/exe")).unwrap();
        assert!(own.needed.iter().any(|name| name == "libc.so.6"), "{own:?}");
        assert!(own.loader.unwrap().contains("ld-linux"));
    }

    #[test]
    fn a_script_is_no_program() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("script");
        std::fs::write(&path, "#!/bin/sh\n".repeat(20)).unwrap();
        assert_eq!(Binary::read(&path).unwrap_err(), "Unsupported ELF header");
        std::fs::write(&path, "").unwrap();
        assert!(Binary::read(&path).is_err());
    }
}
