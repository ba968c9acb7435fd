//! A file of this machine, read as a whole: bytes of two of its states are an error.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// Reads a file, and fails at its end if the file was written meanwhile.
pub(super) struct Unchanged {
    file: File,
    opened: Metadata,
}

impl Unchanged {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let opened = file.metadata()?;
        Ok(Self { file, opened })
    }

    fn check(&self) -> io::Result<()> {
        let now = self.file.metadata()?;
        let stamp = |of: &Metadata| (of.len(), of.mtime(), of.mtime_nsec());
        match stamp(&now) == stamp(&self.opened) {
            true => Ok(()),
            false => Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "it was written to: it changed while it was packed",
            )),
        }
    }
}

impl Read for Unchanged {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buf)?;
        if count == 0 && !buf.is_empty() {
            self.check()?;
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Seek as _, Write as _};

    use super::*;

    #[test]
    fn a_file_that_is_written_in_place_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("model");
        let mut file = File::create(&path).unwrap();
        file.write_all(&[1; 1000]).unwrap();
        let mut reader = Unchanged::open(&path).unwrap();
        reader.read_exact(&mut [0; 500]).unwrap();
        file.rewind().unwrap();
        // Stamps are as fine as the kernel's clock ticks.
        std::thread::sleep(std::time::Duration::from_millis(20));
        file.write_all(&[2; 1000]).unwrap();
        let error = reader.read_to_end(&mut Vec::new()).unwrap_err();
        assert!(error.to_string().contains("changed while it was packed"), "{error}");
        let mut reader = Unchanged::open(&path).unwrap();
        assert_eq!(reader.read_to_end(&mut Vec::new()).unwrap(), 1000);
    }
}
