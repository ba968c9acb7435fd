//! What is in a cache: what may be removed on its own, its size, and when it was last used.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::kinds::{KINDS, Kind};
use crate::{CacheFolder, Error, Result};

/// A file or folder of the cache that may be removed on its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The folder it is in, below the cache: `wheels`.
    pub kind: &'static str,
    /// Its path.
    pub path: PathBuf,
    /// Bytes on the disk, as `du` counts them.
    pub bytes: u64,
    /// When it was last read, written or linked, in seconds since 1970, as far as the file system
    /// records that: at least once a day with `relatime`, never with `noatime`.
    pub used: i64,
}

/// The entries of one kind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// The folder, below the cache.
    pub kind: &'static str,
    /// Number of entries.
    pub entries: usize,
    /// Bytes on the disk.
    pub bytes: u64,
}

impl CacheFolder {
    /// Lists the entries, kind after kind, in the order of their names. Other files, which mlpack did
    /// not write, are not listed.
    ///
    /// # Errors
    /// The system's.
    pub fn entries(&self) -> Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for kind in KINDS {
            entries.extend(self.of_kind(kind)?);
        }
        // A blob is used when its stamp is read: the blob itself is linked into an image.
        let stamps: BTreeMap<_, _> = entries
            .iter()
            .filter(|entry| entry.kind == "layers/stamps")
            .filter_map(|entry| Some((entry.path.file_name()?.to_owned(), entry.used)))
            .collect();
        for entry in entries.iter_mut().filter(|entry| entry.kind == "layers/blobs") {
            let stamp = entry.path.file_name().and_then(|name| stamps.get(name));
            entry.used = entry.used.max(stamp.copied().unwrap_or(i64::MIN));
        }
        Ok(entries)
    }

    /// Adds up entries by kind; kinds without any are left out.
    pub fn summaries(entries: &[Entry]) -> Vec<Summary> {
        let of =
            |kind: &Kind| {
                let entries = entries.iter().filter(|entry| entry.kind == kind.path);
                entries.fold(Summary { kind: kind.path, ..Summary::default() }, |sum, entry| {
                    Summary { entries: sum.entries + 1, bytes: sum.bytes + entry.bytes, ..sum }
                })
            };
        KINDS.iter().map(of).filter(|summary| summary.entries > 0).collect()
    }

    fn of_kind(&self, kind: &Kind) -> Result<Vec<Entry>> {
        let folder = self.path.join(kind.path);
        let found = match fs::read_dir(&folder) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(Error::io("read", &folder)(error)),
        };
        let mut entries = Vec::new();
        for entry in found {
            let entry = entry.map_err(Error::io("read", &folder))?;
            if !entry.file_name().to_str().is_some_and(|name| kind.names.admit(name)) {
                continue;
            }
            let path = entry.path();
            let mut total = Usage { bytes: 0, used: i64::MIN };
            total.add(&path).map_err(Error::io("read", &path))?;
            let Usage { bytes, used } = total;
            entries.push(Entry { kind: kind.path, path, bytes, used });
        }
        entries.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(entries)
    }
}

struct Usage {
    bytes: u64,
    used: i64,
}

impl Usage {
    /// Adds a file or everything below a folder. What vanishes meanwhile counts for nothing.
    fn add(&mut self, path: &Path) -> io::Result<()> {
        let Some(meta) = there(fs::symlink_metadata(path))? else { return Ok(()) };
        self.bytes += bytes(&meta);
        if !meta.is_dir() {
            self.used = self.used.max(used(&meta));
            return Ok(());
        }
        // That a folder is listed does not mean that it is used.
        self.used = self.used.max(meta.mtime());
        let Some(entries) = there(fs::read_dir(path))? else { return Ok(()) };
        for entry in entries {
            self.add(&entry?.path())?;
        }
        Ok(())
    }
}

fn bytes(meta: &Metadata) -> u64 {
    const BLOCK: u64 = 512;
    meta.blocks() * BLOCK
}

fn used(meta: &Metadata) -> i64 {
    meta.atime().max(meta.mtime()).max(meta.ctime())
}

fn there<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
