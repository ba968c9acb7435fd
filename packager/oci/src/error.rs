//! Everything that can go wrong with an image on disk, each with the operands that explain it.

use std::io;
use std::path::{Path, PathBuf};

use crate::Digest;

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Errors of reading and writing images. The message is the fact; [`Error::hint`] is the remedy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be read or written.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried: `read`, `write`, `create`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A blob's stream broke off or failed on the way.
    #[error("cannot read blob {digest}: {source}")]
    BlobRead {
        /// The blob.
        digest: Digest,
        /// The reason.
        source: io::Error,
    },
    /// A blob that a manifest names is not where it should be.
    #[error("blob {digest} is missing in {place}")]
    BlobMissing {
        /// The blob.
        digest: Digest,
        /// The layout, archive or repository.
        place: String,
    },
    /// The stored bytes are not the ones the descriptor promises.
    #[error("digest mismatch: {what} should be {expected} but its bytes are {found}")]
    DigestMismatch {
        /// Which blob: `blob`, `config of oci:base`, `layer 3 of oci:base`.
        what: String,
        /// From the descriptor.
        expected: Digest,
        /// From the bytes.
        found: Digest,
    },
    /// A blob is shorter or longer than its descriptor says.
    #[error("{what} ({digest}) is {found} bytes long, its descriptor says {expected}")]
    SizeMismatch {
        /// Which blob: `blob`, `config of oci:base`, `layer 3 of oci:base`.
        what: String,
        /// The blob.
        digest: Digest,
        /// From the descriptor, in bytes.
        expected: u64,
        /// From the stream, in bytes.
        found: u64,
    },
    /// A layer's compressed stream or tar is broken.
    #[error("{name} ({digest}) is damaged: {reason}")]
    LayerDamaged {
        /// `layer 3 of oci:base`
        name: String,
        /// The layer's digest.
        digest: Digest,
        /// What the decoder said.
        reason: String,
    },
    /// A document (manifest, index, config, `manifest.json`) does not say what it must.
    #[error("{what} in {place} is not valid: {reason}")]
    Document {
        /// `manifest`, `index`, `config`, `oci-layout`.
        what: &'static str,
        /// Where it was found.
        place: String,
        /// What is wrong.
        reason: String,
    },
    /// A document is larger than any honest one.
    #[error("{what} in {place} is {size} bytes long; at most {limit} are read")]
    DocumentTooLarge {
        /// As in [`Error::Document`].
        what: &'static str,
        /// Where it was found.
        place: String,
        /// Its size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// No image of that tag or platform is there.
    #[error("{place} has no image {wanted}; it has {present}")]
    NoSuchImage {
        /// Layout, archive or index.
        place: String,
        /// What was asked for.
        wanted: String,
        /// What is there.
        present: String,
    },
    /// A tree cannot become a layer.
    #[error("cannot add `{path}` to a layer: {reason}")]
    LayerPath {
        /// The path in the image.
        path: String,
        /// Why not.
        reason: String,
    },
    /// A file of this machine that goes into a layer could not be read, or changed meanwhile.
    #[error("cannot pack `{path}`: {source}")]
    Pack {
        /// The path in the image.
        path: String,
        /// The reason.
        source: io::Error,
    },
    /// Another crate's source of blobs failed (registry, engine).
    #[error("{0}")]
    Source(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// Wraps an I/O error with what was tried on which path.
    pub fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }

    /// What the user can do about it, where there is something.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Io { source, .. } | Self::Pack { source, .. }
                if source.kind() == io::ErrorKind::StorageFull =>
            {
                Some("the disk is full: free some space, or set MLPACK_CACHE_DIR and the output to a larger disk".to_owned())
            }
            Self::DigestMismatch { .. } | Self::SizeMismatch { .. } | Self::LayerDamaged { .. } => {
                Some("the image was damaged in transfer or storage: fetch or save it again".to_owned())
            }
            Self::BlobMissing { .. } => {
                Some("the copy of the image is incomplete: fetch or save it again".to_owned())
            }
            Self::NoSuchImage { .. } => {
                Some("name one of those that are there after the path, as in `oci:DIR:TAG`, or choose another --platform".to_owned())
            }
            _ => None,
        }
    }
}
