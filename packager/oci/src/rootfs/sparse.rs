//! Sparse files in the pax formats 0.0, 0.1 and 1.0 of GNU tar (its manual, "Storing Sparse Files"): their name, their
//! size and the places of their data are in records or at the beginning of the content.

use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom, Write as _};

use crate::limits::{EXTENSION_BYTES, LimitExceeded, PATH_BYTES};
use crate::pax::Records;

const BLOCK: usize = 512;

/// A sparse file of a tar.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Sparse {
    /// Its path, if the entry has another one.
    pub(super) path: Option<Vec<u8>>,
    /// With its holes, in bytes.
    pub(super) size: u64,
    /// Offset and length of its data, in the order in which they are stored.
    data: Vec<(u64, u64)>,
}

impl Sparse {
    /// Returns the sparse file of an entry with these records. Its content then begins with the data.
    ///
    /// # Errors
    /// The stream's, [`io::ErrorKind::InvalidData`] for records that are no numbers, or [`LimitExceeded`].
    pub(super) fn of(records: &Records, content: &mut impl Read) -> io::Result<Option<Self>> {
        let (mut found, mut sparse) = (false, Self::default());
        let (mut stored_map, mut offset) = (false, 0);
        for (key, value) in records {
            let Some(key) = key.strip_prefix(b"GNU.sparse.") else { continue };
            found = true;
            match key {
                b"name" => {
                    LimitExceeded::check("a path", value.len() as u64, PATH_BYTES)?;
                    sparse.path = Some(value.clone());
                }
                b"size" | b"realsize" => sparse.size = number(value)?,
                b"major" => stored_map = number(value)? == 1,
                b"offset" => offset = number(value)?,
                b"numbytes" => sparse.data.push((offset, number(value)?)),
                b"map" => {
                    let numbers = value.split(|byte| *byte == b',').map(number);
                    sparse.data = pairs(&numbers.collect::<io::Result<Vec<_>>>()?);
                }
                _ => {}
            }
        }
        if !found {
            return Ok(None);
        }
        if stored_map {
            sparse.data = read_map(content)?;
        }
        Ok(Some(sparse))
    }

    /// Writes the data at their places.
    ///
    /// # Errors
    /// The content's are `Err`, the file's are `Ok(Err)`.
    pub(super) fn write(
        &self,
        content: &mut impl Read,
        mut file: &File,
    ) -> io::Result<io::Result<()>> {
        let mut buffer = vec![0; 256 << 10];
        let mut write = |offset: u64, bytes: &[u8]| {
            file.seek(SeekFrom::Start(offset))?;
            file.write_all(bytes)
        };
        for &(start, length) in &self.data {
            let mut at = 0;
            while at < length {
                let most =
                    usize::try_from(length - at).map_or(buffer.len(), |n| n.min(buffer.len()));
                let n = content.read(&mut buffer[..most])?;
                if n == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                if let Err(error) = write(start.saturating_add(at), &buffer[..n]) {
                    return Ok(Err(error));
                }
                at += n as u64;
            }
        }
        Ok(file.set_len(self.size))
    }
}

/// Reads the map at the beginning of the content: its length and its numbers, a line each, padded to whole blocks.
fn read_map(content: &mut impl Read) -> io::Result<Vec<(u64, u64)>> {
    let (mut block, mut line, mut numbers, mut read) = ([0; BLOCK], Vec::new(), Vec::new(), 0);
    loop {
        content.read_exact(&mut block)?;
        read += BLOCK as u64;
        LimitExceeded::check("a map of a sparse file", read, EXTENSION_BYTES)?;
        for byte in block {
            if byte != b'\n' {
                line.push(byte);
                continue;
            }
            numbers.push(number(&line)?);
            line.clear();
            if numbers[0].checked_mul(2).is_some_and(|count| numbers.len() as u64 > count) {
                return Ok(pairs(&numbers[1..]));
            }
        }
    }
}

fn pairs(numbers: &[u64]) -> Vec<(u64, u64)> {
    numbers.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect()
}

fn number(text: &[u8]) -> io::Result<u64> {
    let number = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok());
    number.ok_or_else(|| {
        let text = String::from_utf8_lossy(&text[..text.len().min(40)]).into_owned();
        let what = format!("`{text}` is no number of a sparse file's map");
        io::Error::new(io::ErrorKind::InvalidData, what)
    })
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::BoundedTar;

    #[test]
    fn sparse_files_of_gnu_tar_are_read_in_every_version() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("holes");
        let file = File::create(&path).unwrap();
        let write = |offset: u64, bytes: &[u8]| {
            (&file).seek(SeekFrom::Start(offset)).unwrap();
            (&file).write_all(bytes).unwrap();
        };
        write(1 << 20, &[b'x'; 5000]);
        write(3 << 20, b"end");
        file.set_len(5 << 20).unwrap();
        for version in ["0.0", "0.1", "1.0"] {
            let tar = dir.path().join(format!("{version}.tar"));
            let mut command = Command::new("tar");
            command.args(["--format=posix", "--sparse", "--sparse-version", version]);
            command.arg("-C").arg(dir.path()).arg("-cf").arg(&tar).arg("holes");
            assert!(command.status().unwrap().success());
            assert!(tar.metadata().unwrap().len() < 1 << 20, "{version} has no holes");
            let tar = BoundedTar::new(File::open(&tar).unwrap());
            let records = tar.records();
            let mut archive = tar::Archive::new(tar);
            let mut entry = archive.entries().unwrap().next().unwrap().unwrap();
            let sparse = Sparse::of(&records.take(), &mut entry).unwrap().unwrap();
            let entry_path = sparse.path.clone().unwrap_or_else(|| entry.path_bytes().into_owned());
            assert_eq!((&*entry_path, sparse.size), (&b"holes"[..], 5 << 20), "{version}");
            let copy = File::create(dir.path().join("copy")).unwrap();
            sparse.write(&mut entry, &copy).unwrap().unwrap();
            let read = |name: &str| std::fs::read(dir.path().join(name)).unwrap();
            assert!(read("copy") == read("holes"), "{version}");
        }
    }

    #[test]
    fn a_map_that_is_none_is_an_error() {
        let mut block = [b'7'; BLOCK];
        assert!(read_map(&mut &block[..]).is_err());
        block[1] = b'\n';
        block[2] = b'x';
        block[3] = b'\n';
        let error = read_map(&mut &block[..]).unwrap_err();
        assert_eq!(error.to_string(), "`x` is no number of a sparse file's map");
    }
}
