//! A source of blobs that keeps what it has read once, so that a base far away is fetched once for
//! its facts and its copy together.

use std::io::{self, Read, Write as _};
use std::path::PathBuf;
use std::sync::Arc;

use oci_spec::image::Descriptor;

use crate::blob::digest_of;
use crate::{BlobReader, BlobStore, Blobs, Digest, Origin, PendingBlob, Result};

/// Reads from a source, and from a store what was read to its end before.
pub struct CachingBlobs {
    source: Arc<dyn Blobs>,
    store: BlobStore,
}

impl CachingBlobs {
    /// Keeps the blobs of `source` in `store`.
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
        // Only what has its digest was given its name.
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
        // A copy that cannot be kept, for want of space or because the bytes are wrong, is no
        // fault of the blob: whoever reads it finds out what matters.
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
