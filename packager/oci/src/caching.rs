//! A source of blobs with a cache, so that a remote base is fetched only once for both its facts and
//! its copy.

use std::io::{self, Read, Write as _};
use std::path::PathBuf;
use std::sync::Arc;

use oci_spec::image::Descriptor;

use crate::blob::digest_of;
use crate::{BlobReader, BlobStore, Blobs, Digest, Origin, PendingBlob, Result};

/// Reads blobs from a source and keeps those that were read to their end in a store.
pub struct CachingBlobs {
    source: Arc<dyn Blobs>,
    store: BlobStore,
}

impl CachingBlobs {
    /// Caches the blobs of `source` in `store`.
    pub fn new(source: Arc<dyn Blobs>, store: BlobStore) -> Self {
        Self { source, store }
    }
}

impl Blobs for CachingBlobs {
    fn open_at(&self, descriptor: &Descriptor, offset: u64) -> Result<BlobReader> {
        let digest = digest_of(descriptor, "the image")?;
        if self.store.size(&digest) == Some(descriptor.size()) {
            return self.store.open_at(descriptor, offset);
        }
        let reader = self.source.open_at(descriptor, offset)?;
        if offset > 0 {
            return Ok(reader);
        }
        Ok(Box::new(Tee { reader, copy: Some(self.store.begin()?), digest }))
    }

    fn file(&self, digest: &Digest) -> Option<PathBuf> {
        self.store.file(digest).or_else(|| self.source.file(digest))
    }

    fn is_trusted(&self, digest: &Digest) -> bool {
        // The store names a blob by its digest only after verifying it.
        self.store.size(digest).is_some() || self.source.is_trusted(digest)
    }

    fn origin(&self, digest: &Digest) -> Option<Origin> {
        self.source.origin(digest)
    }
}

struct Tee {
    reader: BlobReader,
    copy: Option<PendingBlob>,
    digest: Digest,
}

impl Read for Tee {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.reader.read(buf)?;
        let Some(mut copy) = self.copy.take() else { return Ok(n) };
        // A copy that cannot be kept, because the disk is full or the bytes are wrong, is not an
        // error of the read: the reader verifies the bytes itself.
        if n == 0 && !buf.is_empty() {
            let _ = copy.commit_as("blob", self.digest);
        } else if copy.write_all(&buf[..n]).is_ok() {
            self.copy = Some(copy);
        }
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{descriptor, spec};

    #[test]
    fn what_was_read_to_its_end_is_kept_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let source = BlobStore::open(dir.path().join("far")).unwrap();
        let digest = source.put(b"layer").unwrap();
        let blob = descriptor(spec::MediaType::ImageLayer, digest, 5);
        let store = BlobStore::open(dir.path().join("near")).unwrap();
        let keeping = CachingBlobs::new(Arc::new(source), store.clone());
        let mut half = [0; 2];
        keeping.open(&blob).unwrap().read_exact(&mut half).unwrap();
        assert_eq!(store.size(&digest), None);
        let mut text = String::new();
        keeping.open(&blob).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!((text.as_str(), store.size(&digest)), ("layer", Some(5)));
        std::fs::remove_dir_all(dir.path().join("far")).unwrap();
        let mut end = String::new();
        keeping.open_at(&blob, 3).unwrap().read_to_string(&mut end).unwrap();
        assert_eq!(end, "er");
    }
}
