//! Manifests and configs cached by digest, so that a known image costs one small request.

use std::fs;
use std::path::PathBuf;
use std::sync::Once;

use mlpack_oci::Digest;
use mlpack_oci::pending::{sweep, write_atomically};

/// A folder of small cache. It is only a convenience: whatever cannot be read or written is
/// fetched again.
#[derive(Debug)]
pub(crate) struct ManifestCache {
    dir: PathBuf,
    swept: Once,
}

impl ManifestCache {
    pub(crate) fn new(dir: PathBuf) -> Self {
        Self { dir, swept: Once::new() }
    }

    /// Returns the document if its bytes still have their digest.
    pub(crate) fn get(&self, digest: Digest) -> Option<Vec<u8>> {
        let bytes = fs::read(self.dir.join(digest.hex())).ok()?;
        (Digest::of(&bytes) == digest).then_some(bytes)
    }

    pub(crate) fn put(&self, digest: Digest, bytes: &[u8]) {
        self.swept.call_once(|| sweep(&self.dir));
        let _ = write_atomically(&self.dir.join(digest.hex()), bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_truncated_document_is_not_returned() {
        let dir = tempfile::tempdir().unwrap();
        let cache = ManifestCache::new(dir.path().join("new"));
        let digest = Digest::of(b"{}");
        assert_eq!(cache.get(digest), None);
        cache.put(digest, b"{}");
        assert_eq!(cache.get(digest).as_deref(), Some(&b"{}"[..]));
        fs::write(dir.path().join("new").join(digest.hex()), b"{").unwrap();
        assert_eq!(cache.get(digest), None);
    }
}
