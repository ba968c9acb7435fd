//! Errors of images on disk.

use std::io;
use std::path::{Path, PathBuf};

use crate::Digest;
use crate::io_error::{IoError, io_hint};
use crate::limits::LimitExceeded;

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Errors of reading and writing images. The message is the fact; [`Error::hint`] is what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be read or written.
    #[error(transparent)]
    Io(#[from] IoError),
    /// Reading a blob failed.
    #[error("cannot read blob {digest}: {source}")]
    BlobRead {
        /// The blob.
        digest: Digest,
        /// The reason.
        source: io::Error,
    },
    /// A blob that a manifest lists does not exist.
    #[error("blob {digest} is missing in {place}")]
    BlobMissing {
        /// The blob.
        digest: Digest,
        /// The layout, archive or repository.
        place: String,
    },
    /// The stored bytes do not have the digest in the descriptor.
    #[error("digest mismatch for {what}: expected {expected}, got {found}")]
    DigestMismatch {
        /// Which blob: `blob`, `config of oci:base`, `layer 3 of oci:base`.
        what: String,
        /// From the descriptor.
        expected: Digest,
        /// From the bytes.
        found: Digest,
    },
    /// A blob is shorter or longer than its descriptor says.
    #[error("size mismatch for {what} ({digest}): expected {expected} bytes, got {found}")]
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
    /// A layer's compressed stream or tar is invalid.
    #[error("{name} ({digest}) is damaged: {reason}")]
    LayerDamaged {
        /// `layer 3 of oci:base`
        name: String,
        /// The layer's digest.
        digest: Digest,
        /// The decoder's reason.
        reason: String,
    },
    /// A layer has more of something than is read.
    #[error("{name} ({digest}) has {limit}")]
    TooLarge {
        /// `layer 3 of oci:base`
        name: String,
        /// The layer's digest.
        digest: Digest,
        /// What.
        limit: LimitExceeded,
    },
    /// A document (manifest, index, config, `manifest.json`) is invalid.
    #[error("invalid {what} in {place}: {reason}")]
    Document {
        /// `manifest`, `index`, `config`, `oci-layout`.
        what: &'static str,
        /// Where it was found.
        place: String,
        /// What is wrong.
        reason: String,
    },
    /// There is no image layout.
    #[error("{} {}", dir.display(), if *exists { "is not an OCI image layout: it has no file `oci-layout`" } else { "does not exist" })]
    NoLayout {
        /// The folder.
        dir: PathBuf,
        /// Whether the folder is there.
        exists: bool,
    },
    /// A document is larger than the limit.
    #[error("{what} in {place} is too large: {size} bytes, the limit is {limit}")]
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
    /// There is no image with that tag or platform.
    #[error("{place} has no image {wanted}; it has {present}")]
    NoSuchImage {
        /// Layout, archive or index.
        place: String,
        /// The tag or platform.
        wanted: String,
        /// Those that exist.
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
    /// A file that goes into a layer could not be read, or changed meanwhile.
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
    /// Returns a function that wraps an I/O error with what was tried on which path.
    pub fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        IoError::at(action, path)
    }

    /// Returns what the user can do about it, if there is something.
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::Io(error) => return error.hint(),
            Self::Pack { source, .. } => return io_hint(source),
            Self::DigestMismatch { .. } | Self::SizeMismatch { .. } | Self::LayerDamaged { .. } => {
                "the image was damaged in transfer or storage: fetch or save it again"
            }
            Self::BlobMissing { .. } => {
                "the copy of the image is incomplete: fetch or save it again"
            }
            Self::TooLarge { .. } => {
                "no tool that packs files makes such a layer; build the image again"
            }
            Self::NoLayout { .. } => {
                "name a folder that has an image, as `mlpack package --output oci:DIR` makes it"
            }
            Self::NoSuchImage { .. } => {
                "add one of the existing tags after the path, as in `oci:DIR:TAG`, or choose another `--platform`"
            }
            _ => return None,
        };
        Some(text.to_owned())
    }
}
