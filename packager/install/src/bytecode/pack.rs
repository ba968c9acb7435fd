//! The bytecode of one package in the cache: a zip without compression, whose RECORD has the hashes.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use mlpack_oci::Digest;
use mlpack_oci::layer::{Content, Node};
use mlpack_oci::pending::PendingFile;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use crate::{Error, Result};
use mlpack_packages::FileEntry;
use mlpack_packages::cache::store;
use mlpack_packages::wheel::archive::WheelFile;
use mlpack_packages::wheel::record;
use mlpack_packages::wheel::record::Row;

/// Files by path below the prefix; nothing if there is no pack, or none that can be read.
pub(super) fn open(path: &Path) -> Option<BTreeMap<String, FileEntry>> {
    if !path.exists() {
        return None;
    }
    let pack = Arc::new(WheelFile::open(path).ok()?);
    let digests = record::read(&pack.text("RECORD").ok()?).ok()?;
    let mut files = BTreeMap::new();
    for (path, digest) in digests {
        let member = *pack.members().get(&path)?;
        let (source, name) = (Arc::clone(&pack), path.clone());
        let content = Content::Stream(Arc::new(move || Ok(source.verified(&name, member, digest))));
        let node = Node::File { executable: false, size: member.size, content };
        files.insert(path, FileEntry { digest, node });
    }
    Some(files)
}

/// A pack being written, by several workers.
pub(super) struct Packing {
    path: PathBuf,
    pending: PendingFile,
    open: Mutex<Open>,
}

struct Open {
    zip: ZipWriter<File>,
    rows: Vec<Row>,
}

impl Packing {
    pub(super) fn new(path: &Path) -> Result<Self> {
        let mut pending = store::pending(path)?;
        let file = pending.as_file_mut().try_clone().map_err(Error::io("write", path))?;
        let open = Mutex::new(Open { zip: ZipWriter::new(file), rows: Vec::new() });
        Ok(Self { path: path.to_owned(), pending, open })
    }

    pub(super) fn add(&self, path: &str, bytes: &[u8]) -> Result<()> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        write(&mut open.zip, path, bytes).map_err(Error::io("write", &self.path))?;
        let file = Some((Digest::of(bytes), bytes.len() as u64));
        open.rows.push(Row { path: path.to_owned(), file });
        Ok(())
    }

    pub(super) fn finish(self) -> Result<()> {
        let Self { path, pending, open } = self;
        let Open { mut zip, rows } = open.into_inner().unwrap_or_else(PoisonError::into_inner);
        write(&mut zip, "RECORD", &record::write(rows)).map_err(Error::io("write", &path))?;
        zip.finish().map_err(|error| Error::io("write", &path)(error.into()))?;
        Ok(store::persist(pending, &path)?)
    }
}

fn write(zip: &mut ZipWriter<File>, path: &str, bytes: &[u8]) -> io::Result<()> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(DateTime::default());
    zip.start_file(path, options)?;
    zip.write_all(bytes)
}
