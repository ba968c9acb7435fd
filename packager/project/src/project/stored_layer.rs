//! The layer of a registered model, which is used as it is.

use std::fmt;
use std::sync::Arc;

use mlpack_oci::spec::Descriptor;
use mlpack_oci::{Blobs, DiffId, Digest};

/// A layer that exists: its files are at their places in an image (docs/models.md).
#[derive(Clone)]
pub struct StoredLayer {
    /// Media type, digest and size of the blob, as an image has them.
    pub descriptor: Descriptor,
    /// Digest of the blob.
    pub digest: Digest,
    /// Digest of the uncompressed tar.
    pub diff_id: DiffId,
    /// Where the blob is read from.
    pub blobs: Arc<dyn Blobs>,
}

impl fmt::Debug for StoredLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StoredLayer").field(&self.digest).finish()
    }
}

impl PartialEq for StoredLayer {
    fn eq(&self, other: &Self) -> bool {
        self.digest == other.digest
    }
}

impl Eq for StoredLayer {}
