//! The header of an ELF file and the segments that the dynamic loader uses (System V ABI).

use std::fs::File;
use std::io;
use std::path::Path;

use object::LittleEndian;
use object::elf::{
    ELFCLASS64, ELFDATA2LSB, ELFMAG, EM_AARCH64, EM_X86_64, FileHeader64, PT_DYNAMIC, PT_INTERP,
    ProgramHeader64,
};
use object::pod::{from_bytes, slice_from_bytes};

use crate::dynamic::{self, Dynamic};
use crate::source::{Open, Source, Stream};

/// The processor that a file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Machine {
    /// x86-64, Docker's `amd64`.
    X86_64,
    /// 64-bit ARM, Docker's `arm64`.
    Aarch64,
    /// Another one, by its number in the header.
    Other(u16),
}

/// A 64-bit little-endian ELF file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Elf {
    /// The processor it is for.
    pub machine: Machine,
    /// Path of the dynamic loader that a program names.
    pub loader: Option<String>,
    /// The dynamic section; `None` for a static program.
    pub dynamic: Option<Dynamic>,
}

impl Elf {
    /// Reads only the headers and tables of a file. Returns `None` if it is not a 64-bit
    /// little-endian ELF file or is truncated.
    ///
    /// # Errors
    /// The system's.
    pub fn read_file(path: &Path) -> io::Result<Option<Self>> {
        read(&mut File::open(path)?)
    }

    /// As [`Elf::read_file`], from a stream such as a member of an archive.
    ///
    /// # Errors
    /// The stream's.
    pub fn read_stream(open: Open<'_>) -> io::Result<Option<Self>> {
        read(&mut Stream::new(open)?)
    }
}

fn read(source: &mut dyn Source) -> io::Result<Option<Elf>> {
    let size = size_of::<FileHeader64<LittleEndian>>() as u64;
    let Some(head) = source.read_table(0, size)? else { return Ok(None) };
    let Ok((header, _)) = from_bytes::<FileHeader64<LittleEndian>>(&head) else { return Ok(None) };
    let ident = header.e_ident;
    if ident.magic != ELFMAG || (ident.class, ident.data) != (ELFCLASS64, ELFDATA2LSB) {
        return Ok(None);
    }
    let machine = match header.e_machine.get(LittleEndian) {
        EM_X86_64 => Machine::X86_64,
        EM_AARCH64 => Machine::Aarch64,
        other => Machine::Other(other.0),
    };
    let count = header.e_phnum.get(LittleEndian);
    let size = u64::from(count) * size_of::<ProgramHeader64<LittleEndian>>() as u64;
    let Some(table) = source.read_table(header.e_phoff.get(LittleEndian), size)? else {
        return Ok(None);
    };
    let Ok((segments, _)) =
        slice_from_bytes::<ProgramHeader64<LittleEndian>>(&table, usize::from(count))
    else {
        return Ok(None);
    };
    let loader = match segments.iter().find(|s| s.p_type.get(LittleEndian) == PT_INTERP) {
        None => None,
        Some(segment) => {
            let (offset, size) =
                (segment.p_offset.get(LittleEndian), segment.p_filesz.get(LittleEndian));
            let Some(bytes) = source.read_table(offset, size)? else { return Ok(None) };
            let name = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
            Some(String::from_utf8_lossy(name).into_owned())
        }
    };
    let dynamic = match segments.iter().find(|s| s.p_type.get(LittleEndian) == PT_DYNAMIC) {
        None => None,
        Some(segment) => match dynamic::read(source, segment, segments)? {
            None => return Ok(None),
            found => found,
        },
    };
    Ok(Some(Elf { machine, loader, dynamic }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_test_program_names_its_loader_and_libc() {
        let path = Path::new("/proc/self/exe");
        let found = Elf::read_file(path).unwrap().unwrap();
        assert!(found.loader.as_ref().unwrap().contains("ld-linux"), "{found:?}");
        let dynamic = found.dynamic.as_ref().unwrap();
        assert!(dynamic.needed.contains(&"libc.so.6".to_owned()), "{found:?}");
        assert_eq!(dynamic.soname, None);
        let stream = Elf::read_stream(&|| Ok(Box::new(File::open(path)?))).unwrap();
        assert_eq!(stream.as_ref(), Some(&found));
    }

    #[test]
    fn other_and_truncated_files_are_not_elf_files() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        std::fs::write(&path, "#!/bin/sh\n".repeat(20)).unwrap();
        assert_eq!(Elf::read_file(&path).unwrap(), None);
        let program = std::fs::read("/proc/self/exe").unwrap();
        for end in [0, 3, 63, 64, 100, 4096] {
            let cut = &program[..end];
            std::fs::write(&path, cut).unwrap();
            assert_eq!(Elf::read_file(&path).unwrap(), None, "{end}");
            let cut = cut.to_vec();
            let found = Elf::read_stream(&|| Ok(Box::new(io::Cursor::new(cut.clone())))).unwrap();
            assert_eq!(found, None, "{end}");
        }
    }
}
