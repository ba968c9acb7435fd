//! A folder of blobs named by their digest, as `blobs/sha256` of a layout.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write};
use std::path::{Path, PathBuf};

use oci_spec::image::Descriptor;

use crate::background_hash::BackgroundHash;
use crate::blob::digest_of;
use crate::pending::{PendingFile, sweep};
use crate::{BlobReader, Blobs, Digest, Error, HashingReader, Result};

/// Blobs by digest in one folder. A blob appears complete or not at all.
#[derive(Debug, Clone)]
pub struct BlobStore {
    dir: PathBuf,
    /// Whether blobs are flushed before they are named, and never written to afterwards.
    durable: bool,
}

impl BlobStore {
    /// Opens `dir`, creating it if needed, and removes files that killed writers left.
    ///
    /// # Errors
    /// The system's.
    pub fn open(dir: impl Into<PathBuf>) -> Result<Self> {
        let dir = dir.into();
        fs::create_dir_all(&dir).map_err(Error::io("create", &dir))?;
        sweep(&dir);
        Ok(Self { dir, durable: false })
    }

    /// Makes blobs survive a power failure. They are read-only files, which sinks may link to.
    #[must_use]
    pub fn durable(self) -> Self {
        Self { durable: true, ..self }
    }

    /// Opens a store for reading; nothing is created or removed.
    pub fn read_only(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into(), durable: false }
    }

    /// The path of a blob, whether it exists or not.
    pub fn path(&self, digest: &Digest) -> PathBuf {
        self.dir.join(digest.hex())
    }

    /// The folder of the blobs.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// The size of a blob in bytes, if the store has it.
    pub fn size(&self, digest: &Digest) -> Option<u64> {
        self.path(digest).metadata().ok().filter(fs::Metadata::is_file).map(|meta| meta.len())
    }

    /// Starts writing a blob whose digest is not known yet.
    ///
    /// # Errors
    /// The system's.
    pub fn begin(&self) -> Result<PendingBlob> {
        let file =
            PendingFile::new_in(&self.dir).map_err(Error::io("create a file in", &self.dir))?;
        let hash =
            BackgroundHash::new().map_err(Error::io("start a thread to write in", &self.dir))?;
        Ok(PendingBlob { store: self.clone(), file, hash })
    }

    /// Writes a small blob.
    ///
    /// # Errors
    /// The system's.
    pub fn put(&self, bytes: &[u8]) -> Result<Digest> {
        let mut pending = self.begin()?;
        pending.write_all(bytes).map_err(Error::io("write to", &self.dir))?;
        pending.commit().map(|(digest, _)| digest)
    }

    /// Copies a file that is exactly the blob, by the cheapest copy the file system offers. The copy
    /// is hashed unless `trusted` says that the file was hashed when it was written.
    ///
    /// # Errors
    /// [`Error::DigestMismatch`], or the system's.
    pub fn put_file(&self, source: &Path, digest: &Digest, trusted: bool) -> Result<()> {
        let PendingBlob { mut file, .. } = self.begin()?;
        let mut from = File::open(source).map_err(Error::io("read", source))?;
        io::copy(&mut from, file.as_file_mut()).map_err(Error::io("write to", &self.dir))?;
        if !trusted {
            let mut copy = HashingReader::new(
                File::open(file.path()).map_err(Error::io("read", &file.path()))?,
            );
            io::copy(&mut copy, &mut io::sink()).map_err(Error::io("read", source))?;
            if copy.digest() != *digest {
                let what = format!("blob {}", source.display());
                return Err(Error::DigestMismatch {
                    what,
                    expected: *digest,
                    found: copy.digest(),
                });
            }
        }
        let path = self.path(digest);
        self.persist(file, &path)
    }

    /// Gives the blob a second name here if it is a file of this file system.
    pub(crate) fn link_file(&self, source: &Path, digest: &Digest) -> bool {
        fs::hard_link(source, self.path(digest)).is_ok()
    }

    fn persist(&self, file: PendingFile, path: &Path) -> Result<()> {
        let persisted = match self.durable {
            true => file.persist_durably(path, 0o444),
            false => file.persist(path),
        };
        persisted.map_err(Error::io("write", path))
    }
}

impl Blobs for BlobStore {
    fn open_at(&self, descriptor: &Descriptor, offset: u64) -> Result<BlobReader> {
        let place = self.dir.display().to_string();
        let digest = digest_of(descriptor, &place)?;
        let path = self.path(&digest);
        let mut file = match open_regular(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(Error::BlobMissing { digest, place });
            }
            Err(error) => return Err(Error::io("read", &path)(error)),
        };
        if offset > 0 {
            file.seek(SeekFrom::Start(offset)).map_err(Error::io("read", &path))?;
        }
        Ok(Box::new(file))
    }

    fn file(&self, digest: &Digest) -> Option<PathBuf> {
        self.size(digest).map(|_| self.path(digest))
    }

    fn is_trusted(&self, _: &Digest) -> bool {
        self.durable
    }

    fn may_be_linked(&self, _: &Digest) -> bool {
        self.durable
    }
}

/// A blob being written and hashed. It is removed if it is dropped without [`PendingBlob::commit`].
pub struct PendingBlob {
    store: BlobStore,
    file: PendingFile,
    hash: BackgroundHash,
}

impl PendingBlob {
    /// Renames the blob atomically to its digest. Returns digest and size in bytes.
    ///
    /// # Errors
    /// The system's.
    pub fn commit(self) -> Result<(Digest, u64)> {
        let Self { store, file, hash } = self;
        let (digest, size) = hash.finish().map_err(Error::io("write to", &store.dir))?;
        store.persist(file, &store.path(&digest))?;
        Ok((digest, size))
    }

    /// As [`PendingBlob::commit`], if the blob has the expected digest.
    ///
    /// # Errors
    /// [`Error::DigestMismatch`], or the system's.
    pub fn commit_as(self, what: &str, expected: Digest) -> Result<u64> {
        let Self { store, file, hash } = self;
        let (found, size) = hash.finish().map_err(Error::io("write to", &store.dir))?;
        if found != expected {
            return Err(Error::DigestMismatch { what: what.to_owned(), expected, found });
        }
        store.persist(file, &store.path(&expected))?;
        Ok(size)
    }
}

impl Write for PendingBlob {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let n = self.file.write(buf)?;
        self.hash.update(&buf[..n])?;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Opens a regular file. A named pipe would wait for its writer.
pub(crate) fn open_regular(path: &Path) -> io::Result<File> {
    match fs::metadata(path)?.is_file() {
        true => File::open(path),
        false => Err(io::Error::other("it is not a regular file")),
    }
}

/// Reads a file of at most `limit` bytes.
pub(crate) fn read_limited(path: &Path, what: &'static str, limit: u64) -> Result<Vec<u8>> {
    let file = open_regular(path).map_err(Error::io("read", path))?;
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes).map_err(Error::io("read", path))?;
    if bytes.len() as u64 > limit {
        let place = path.display().to_string();
        let size = path.metadata().map_or(bytes.len() as u64, |meta| meta.len());
        return Err(Error::DocumentTooLarge { what, place, size, limit });
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blob_is_there_only_once_committed() {
        let dir = tempfile::tempdir().unwrap();
        let store = BlobStore::open(dir.path().join("blobs")).unwrap();
        let mut pending = store.begin().unwrap();
        pending.write_all(b"half").unwrap();
        drop(pending);
        assert_eq!(fs::read_dir(dir.path().join("blobs")).unwrap().count(), 0);
        let digest = store.put(b"whole").unwrap();
        assert_eq!(fs::read(store.path(&digest)).unwrap(), b"whole");
        assert_eq!(store.size(&digest), Some(5));
    }

    #[test]
    fn a_sweep_removes_abandoned_files_and_keeps_those_in_use() {
        let dir = tempfile::tempdir().unwrap();
        let store = BlobStore::open(dir.path()).unwrap();
        fs::write(dir.path().join(".mlpack-pending-dead"), b"x").unwrap();
        let living = store.begin().unwrap();
        BlobStore::open(dir.path()).unwrap();
        assert!(!dir.path().join(".mlpack-pending-dead").exists());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        drop(living);
    }

    #[test]
    fn bytes_that_are_not_the_expected_ones_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let store = BlobStore::open(dir.path()).unwrap();
        let mut pending = store.begin().unwrap();
        pending.write_all(b"other").unwrap();
        let error = pending.commit_as("layer 1", Digest::of(b"this")).unwrap_err();
        assert!(matches!(error, Error::DigestMismatch { .. }), "{error}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
