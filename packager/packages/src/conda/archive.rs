//! A conda archive as a shared source of streams. Both formats are compressed as a whole, so the tar
//! inside is stored next to the archive once, and files are read from it by offset.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mlpack_oci::{BoundedTar, Digest, Verified};
use rattler_package_streaming::{read, seek};

use crate::cache::store;
use crate::limits::Expanding;
use crate::net::client::file_name;
use crate::{Error, Result};
use mlpack_lock::CondaPackage;

/// Files of `info/` and files with a placeholder are read into memory; none is larger.
const LIMIT: u64 = 512 << 20;

/// A conda package whose archive is in the cache.
#[derive(Debug, Clone)]
pub struct StoredConda {
    /// The package.
    pub package: CondaPackage,
    /// Its verified archive.
    pub path: PathBuf,
}

/// An archive that can be read.
#[derive(Debug)]
pub struct CondaArchive {
    /// File name, for messages.
    pub name: Arc<str>,
    tars: [PathBuf; 2],
    entries: BTreeMap<String, Entry>,
}

/// What a path of an archive is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// Bytes in one of the tars.
    File(Member),
    /// A symbolic link with its target.
    Link(String),
    /// A directory.
    Directory,
}

/// Where a file's bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    tar: usize,
    offset: u64,
    /// In bytes.
    pub size: u64,
    /// Whether anyone may run it.
    pub executable: bool,
}

impl CondaArchive {
    /// Opens an archive; its tars are extracted next to it unless they are there.
    pub fn open(stored: &StoredConda) -> Result<Self> {
        let path = &stored.path;
        let name: Arc<str> = file_name(path).into();
        let bad = |reason: String| Error::InvalidConda { archive: name.to_string(), reason };
        let tars = [path.with_file_name("content.tar"), path.with_file_name("info.tar")];
        if !tars.iter().all(|tar| tar.exists()) {
            extract_tars(path, &tars, &bad)?;
        }
        let mut entries = BTreeMap::new();
        let mut hard = Vec::new();
        for (number, tar) in tars.iter().enumerate() {
            let file = File::open(tar).map_err(Error::io("read", tar))?;
            let mut archive = tar::Archive::new(BoundedTar::new(file));
            let list = archive.entries_with_seek().map_err(|error| bad(error.to_string()))?;
            for entry in list {
                let entry = entry.map_err(|error| bad(error.to_string()))?;
                let text = |path: io::Result<std::borrow::Cow<'_, Path>>| -> Result<String> {
                    let path = path.map_err(|error| bad(error.to_string()))?;
                    let text =
                        path.to_str().ok_or_else(|| bad(format!("{path:?} is not UTF-8")))?;
                    Ok(text.trim_start_matches("./").trim_end_matches('/').to_owned())
                };
                let path = text(entry.path())?;
                if path.is_empty() {
                    continue;
                }
                if path.starts_with('/')
                    || path.split('/').any(|part| matches!(part, "" | "." | ".."))
                {
                    return Err(bad(format!("`{path}` is outside of the environment")));
                }
                let target = || -> Result<String> {
                    let link = entry.link_name().map_err(|error| bad(error.to_string()))?;
                    let link =
                        link.ok_or_else(|| bad(format!("the link `{path}` has no target")))?;
                    Ok(link.to_string_lossy().into_owned())
                };
                let header = entry.header();
                let kind = header.entry_type();
                if kind.is_file() {
                    let mode = header.mode().map_err(|error| bad(error.to_string()))?;
                    let member = Member {
                        tar: number,
                        offset: entry.raw_file_position(),
                        size: entry.size(),
                        executable: mode & 0o111 != 0,
                    };
                    entries.insert(path, Entry::File(member));
                } else if kind.is_symlink() {
                    entries.insert(path.clone(), Entry::Link(target()?));
                } else if kind.is_hard_link() {
                    hard.push((path.clone(), target()?.trim_start_matches("./").to_owned()));
                } else if kind.is_dir() {
                    entries.insert(path, Entry::Directory);
                } else {
                    return Err(bad(format!("`{path}` is neither file, link nor directory")));
                }
            }
        }
        for (path, target) in hard {
            let member = entries.get(&target).cloned();
            let member = member.ok_or_else(|| {
                bad(format!("`{path}` is a hard link to `{target}`, which is not there"))
            })?;
            entries.insert(path, member);
        }
        Ok(Self { name, tars, entries })
    }

    /// Every path.
    pub fn entries(&self) -> &BTreeMap<String, Entry> {
        &self.entries
    }

    /// A file in memory, if it is there.
    pub fn bytes(&self, path: &str) -> Result<Option<Vec<u8>>> {
        match self.entries.get(path) {
            Some(Entry::File(member)) => self.read(path, *member).map(Some),
            _ => Ok(None),
        }
    }

    /// A member in memory.
    pub fn read(&self, path: &str, member: Member) -> Result<Vec<u8>> {
        if member.size > LIMIT {
            return Err(self
                .bad(format!("`{path}` has {} bytes, too many to read into memory", member.size)));
        }
        let mut bytes = Vec::new();
        self.stream(member)
            .and_then(|mut reader| reader.read_to_end(&mut bytes))
            .map_err(|error| self.bad(format!("`{path}`: {error}")))?;
        Ok(bytes)
    }

    /// The bytes of a member.
    pub fn stream(&self, member: Member) -> io::Result<impl Read + Send + use<>> {
        let mut file = File::open(&self.tars[member.tar])?;
        file.seek(SeekFrom::Start(member.offset))?;
        Ok(io::BufReader::with_capacity(64 << 10, file).take(member.size))
    }

    /// The same, verified against the digest that `paths.json` lists for the path.
    pub fn verified(
        &self,
        path: &str,
        member: Member,
        digest: Digest,
    ) -> io::Result<Box<dyn Read + Send>> {
        let (archive, path) = (self.name.to_string(), path.to_owned());
        let fault = move || Error::InvalidConda {
            archive: archive.clone(),
            reason: format!("`{path}` does not match the hash in paths.json"),
        };
        Ok(Box::new(Verified::new(self.stream(member)?, digest, member.size).or_error(fault)))
    }

    /// An error about this archive.
    pub fn bad(&self, reason: String) -> Error {
        Error::InvalidConda { archive: self.name.to_string(), reason }
    }
}

/// Decompresses an archive. `.conda` has two tars (conda-package-handling, "Package format"),
/// `.tar.bz2` has one; then the second is empty.
fn extract_tars(path: &Path, tars: &[PathBuf; 2], bad: &dyn Fn(String) -> Error) -> Result<()> {
    let file = File::open(path).map_err(Error::io("read", path))?;
    let stored = file.metadata().map_err(Error::io("read", path))?.len();
    let write = |reader: &mut dyn Read, to: &Path| -> Result<()> {
        let mut pending = store::pending(to)?;
        io::copy(&mut Expanding::new(reader, stored), pending.as_file_mut())
            .map_err(|error| bad(error.to_string()))?;
        store::persist(pending, to)
    };
    if path.extension().is_some_and(|extension| extension == "conda") {
        let again = || File::open(path).map_err(Error::io("read", path));
        let content = seek::stream_conda_content(file).map_err(|error| bad(error.to_string()))?;
        write(&mut content.into_inner(), &tars[0])?;
        let info = seek::stream_conda_info(again()?).map_err(|error| bad(error.to_string()))?;
        return write(&mut info.into_inner(), &tars[1]);
    }
    write(&mut read::stream_tar_bz2(file).into_inner(), &tars[0])?;
    write(&mut io::empty(), &tars[1])
}
