//! A wheel as a shared source of streams: its members are read out of the zip when a layer is
//! written, by several readers at once, without unpacking it and without holding it in memory.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flate2::bufread::DeflateDecoder;
use mlpack_oci::layer::{Content, Deflated, Opener};
use mlpack_oci::{Digest, HashingReader, Verified};
use zip::{CompressionMethod, ZipArchive};

use crate::limits::{check_expansion, check_member};
use crate::net::client::file_name;
use crate::{Error, Result};

/// Members that are read into memory (metadata, scripts) are smaller than this.
const SMALL: u64 = 16 << 20;
/// Bytes read at once from the archive.
const BLOCK: usize = 64 << 10;

/// An open wheel.
#[derive(Debug, Clone)]
pub struct WheelFile {
    /// File name, for messages.
    pub name: Arc<str>,
    file: Arc<File>,
    path: Arc<Path>,
    members: BTreeMap<String, Member>,
}

/// Where a member's bytes are.
#[derive(Debug, Clone, Copy)]
pub struct Member {
    offset: u64,
    compressed: u64,
    /// In bytes, uncompressed.
    pub size: u64,
    deflated: bool,
    crc32: u32,
    /// Whether the archive's mode lets anyone run it.
    pub executable: bool,
}

impl WheelFile {
    /// Opens a wheel and reads its directory.
    pub fn open(path: &Path) -> Result<Self> {
        let name: Arc<str> = file_name(path).into();
        let bad = |reason: String| Error::InvalidWheel { wheel: name.to_string(), reason };
        let file = File::open(path).map_err(Error::io("read", path))?;
        let mut archive =
            ZipArchive::new(BufReader::new(&file)).map_err(|error| bad(error.to_string()))?;
        let stored = file.metadata().map_err(Error::io("read", path))?.len();
        let mut members = BTreeMap::new();
        for index in 0..archive.len() {
            let entry = archive.by_index_raw(index).map_err(|error| bad(error.to_string()))?;
            let path = entry.name().map_err(|error| bad(error.to_string()))?.into_owned();
            if entry.is_dir() {
                continue;
            }
            if path.split('/').any(|part| matches!(part, "" | "." | ".."))
                || path.contains(['\\', '\0'])
            {
                return Err(bad(format!("`{path}` is not a path inside a wheel")));
            }
            if entry.is_symlink() || entry.encrypted() {
                return Err(bad(format!("`{path}` is a symbolic link or encrypted")));
            }
            let deflated = match entry.compression() {
                CompressionMethod::Stored => false,
                CompressionMethod::Deflated => true,
                other => return Err(bad(format!("`{path}` is compressed with {other}"))),
            };
            let member = Member {
                offset: entry.data_start().ok_or_else(|| bad(format!("`{path}` has no data")))?,
                compressed: entry.compressed_size(),
                size: entry.size(),
                deflated,
                crc32: entry.crc32(),
                executable: entry.unix_mode().is_some_and(|mode| mode & 0o111 != 0),
            };
            check_member(&path, member.compressed, member.size).map_err(bad)?;
            if members.insert(path.clone(), member).is_some() {
                return Err(bad(format!("`{path}` is in the archive twice")));
            }
        }
        drop(archive);
        check_expansion(stored, members.values().map(|member| member.size).sum()).map_err(bad)?;
        if let Some(path) = overlapping(&members) {
            return Err(bad(format!("`{path}` has bytes of another file of the archive")));
        }
        Ok(Self { name, file: Arc::new(file), path: path.into(), members })
    }

    /// Its files, sorted by path.
    pub fn members(&self) -> &BTreeMap<String, Member> {
        &self.members
    }

    /// A member's bytes as a stream, not yet verified.
    pub fn stream(&self, member: Member) -> Box<dyn Read + Send> {
        let file = Arc::clone(&self.file);
        let section = Section {
            file,
            at: member.offset,
            end: member.offset.saturating_add(member.compressed),
        };
        let block = BLOCK.min(usize::try_from(member.compressed).unwrap_or(BLOCK)).max(512);
        let buffered = BufReader::with_capacity(block, section);
        let plain: Box<dyn Read + Send> = if member.deflated {
            Box::new(Inflated(DeflateDecoder::new(buffered)))
        } else {
            Box::new(buffered)
        };
        Box::new(plain.take(member.size.saturating_add(1)))
    }

    /// A member's bytes as a stream that fails at its end unless they have this hash.
    pub fn verified(&self, path: &str, member: Member, sha256: Digest) -> Box<dyn Read + Send> {
        let (wheel, file) = (Arc::clone(&self.name), path.to_owned());
        let fault = move || Error::RecordMismatch { wheel: wheel.to_string(), file: file.clone() };
        Box::new(Verified::new(self.stream(member), sha256, member.size).or_error(fault))
    }

    /// A member as the content of a file in a layer, verified by its hash.
    pub fn content(self: Arc<Self>, path: &str, member: Member, sha256: Digest) -> Content {
        let (wheel, name) = (Arc::clone(&self), path.to_owned());
        let open: Opener = Arc::new(move || Ok(wheel.verified(&name, member, sha256)));
        if !member.deflated {
            return Content::Stream(open);
        }
        Content::Deflated(Deflated {
            open,
            file: Arc::clone(&self.path),
            offset: member.offset,
            length: member.compressed,
            crc32: member.crc32,
        })
    }

    /// The stream of a member by path.
    pub fn read(&self, path: &str) -> Result<Box<dyn Read + Send>> {
        self.member(path).map(|member| self.stream(member))
    }

    /// A small member, whole.
    pub fn bytes(&self, path: &str) -> Result<Vec<u8>> {
        let member = self.member(path)?;
        if member.size > SMALL {
            return Err(self.bad(format!("`{path}` is {} bytes long", member.size)));
        }
        let mut bytes = Vec::new();
        self.stream(member)
            .read_to_end(&mut bytes)
            .map_err(|error| self.bad(format!("cannot read `{path}`: {error}")))?;
        Ok(bytes)
    }

    /// A small member as text.
    pub fn text(&self, path: &str) -> Result<String> {
        String::from_utf8(self.bytes(path)?).map_err(|_| self.bad(format!("`{path}` is not UTF-8")))
    }

    /// The hash of a member that the wheel does not list.
    pub fn digest(&self, path: &str) -> Result<Digest> {
        let mut reader = HashingReader::new(self.read(path)?);
        io::copy(&mut reader, &mut io::sink())
            .map_err(|error| self.bad(format!("cannot read `{path}`: {error}")))?;
        Ok(reader.digest())
    }

    /// The package's METADATA (PyPA, "Core metadata specifications").
    pub fn metadata(&self) -> Result<String> {
        self.text(&format!("{}/METADATA", self.dist_info()?))
    }

    /// The one `*.dist-info` folder of the package.
    pub fn dist_info(&self) -> Result<String> {
        let mut found: Vec<&str> = self
            .members
            .keys()
            .filter_map(|path| path.split_once('/'))
            .map(|(top, _)| top)
            .filter(|top| top.ends_with(".dist-info"))
            .collect();
        found.dedup();
        match found[..] {
            [one] => Ok(one.to_owned()),
            [] => Err(self.bad("it has no .dist-info folder".to_owned())),
            _ => Err(self.bad("it has more than one .dist-info folder".to_owned())),
        }
    }

    /// An error about this wheel.
    pub fn bad(&self, reason: String) -> Error {
        Error::InvalidWheel { wheel: self.name.to_string(), reason }
    }

    fn member(&self, path: &str) -> Result<Member> {
        self.members.get(path).copied().ok_or_else(|| self.bad(format!("it has no `{path}`")))
    }
}

/// Returns a member whose bytes are also those of another one: few bytes could become many files.
fn overlapping(members: &BTreeMap<String, Member>) -> Option<&str> {
    let mut spans: Vec<(u64, u64, &str)> = members
        .iter()
        .filter(|(_, member)| member.compressed > 0)
        .map(|(path, member)| {
            (member.offset, member.offset.saturating_add(member.compressed), &**path)
        })
        .collect();
    spans.sort_unstable();
    spans.windows(2).find(|pair| pair[1].0 < pair[0].1).map(|pair| pair[1].2)
}

/// Inflates, and fails if something comes after the end: layers take the deflated bytes as they are.
struct Inflated(DeflateDecoder<BufReader<Section>>);

impl Read for Inflated {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.0.read(buf)?;
        if n == 0 && !buf.is_empty() {
            let rest = self.0.get_ref();
            if !rest.buffer().is_empty() || rest.get_ref().at < rest.get_ref().end {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "trailing bytes after the end of the compressed data",
                ));
            }
        }
        Ok(n)
    }
}

/// A span of a file, read by position so that many readers share one open file.
struct Section {
    file: Arc<File>,
    at: u64,
    end: u64,
}

impl Read for Section {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
        let want = buf.len().min(left);
        if want == 0 {
            return Ok(0);
        }
        let n = self.file.read_at(&mut buf[..want], self.at)?;
        if n == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.at += n as u64;
        Ok(n)
    }
}

/// A wheel of an environment, in this machine's cache.
#[derive(Debug, Clone)]
pub struct StoredWheel {
    /// Normalised name of the package.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The wheel in the cache.
    pub path: PathBuf,
    /// Of its bytes.
    pub sha256: Digest,
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    /// A wheel with two files of the same length.
    fn wheel(dir: &Path, change: impl Fn(&mut Vec<u8>)) -> Result<WheelFile> {
        let mut zip = zip::ZipWriter::new(io::Cursor::new(Vec::new()));
        for name in ["a.py", "b.py"] {
            let options = zip::write::SimpleFileOptions::default()
                .compression_method(CompressionMethod::Stored);
            zip.start_file(name, options).unwrap();
            zip.write_all(name.as_bytes()).unwrap();
        }
        let mut bytes = zip.finish().unwrap().into_inner();
        change(&mut bytes);
        let path = dir.join("x-1-py3-none-any.whl");
        std::fs::write(&path, bytes).unwrap();
        WheelFile::open(&path)
    }

    /// Where the entry of the second file begins in the archive's directory.
    fn second_entry(bytes: &[u8]) -> usize {
        let entry = |from: usize| {
            let at = bytes[from..].windows(4).position(|four| four == b"PK\x01\x02");
            from + at.unwrap()
        };
        entry(entry(0) + 4)
    }

    #[test]
    fn files_of_a_wheel_share_no_bytes() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(wheel(dir.path(), |_| {}).unwrap().members().len(), 2);
        let same = |bytes: &mut Vec<u8>| {
            let offset = second_entry(bytes) + 42;
            bytes[offset..offset + 4].fill(0);
        };
        let error = wheel(dir.path(), same).unwrap_err().to_string();
        assert!(error.contains("`b.py` has bytes of another file of the archive"), "{error}");
    }

    #[test]
    fn a_file_of_a_wheel_states_what_it_can_hold() {
        let dir = tempfile::tempdir().unwrap();
        let large = |bytes: &mut Vec<u8>| {
            let size = second_entry(bytes) + 24;
            bytes[size..size + 4].copy_from_slice(&0x7fff_ffff_u32.to_le_bytes());
        };
        let error = wheel(dir.path(), large).unwrap_err().to_string();
        assert!(error.contains("`b.py` states 2147483647 bytes, which 4 cannot hold"), "{error}");
    }
}
