//! Blobs: where an image's bytes are read from, and how their digest is verified.

use std::io::{self, Read};
use std::path::PathBuf;

use oci_spec::image::Descriptor;

use crate::{Digest, Error, HashingReader, Result};

/// A blob's bytes as a stream.
pub type BlobReader = Box<dyn Read + Send>;

/// A repository that has a blob already; a push may mount it from there.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin {
    /// Host and port, as in `example.azurecr.io`.
    pub registry: String,
    /// Repository, as in `azureml/base`.
    pub repository: String,
}

/// A source of blobs by descriptor: a layout, an archive, a registry, the files of a build.
pub trait Blobs: Send + Sync {
    /// Opens the stored bytes from `offset` on. The bytes are not yet verified; see [`Verified`].
    fn open_at(&self, descriptor: &Descriptor, offset: u64) -> Result<BlobReader>;

    /// Opens the stored bytes.
    fn open(&self, descriptor: &Descriptor) -> Result<BlobReader> {
        self.open_at(descriptor, 0)
    }

    /// The file that holds exactly this blob, if there is one, so that sinks can copy it cheaply.
    fn file(&self, _digest: &Digest) -> Option<PathBuf> {
        None
    }

    /// Returns whether mlpack hashed the file of this blob when it wrote it, and no other program writes
    /// there.
    fn is_trusted(&self, _digest: &Digest) -> bool {
        false
    }

    /// Returns whether the file of this blob is never written to again, so that a sink may link to it.
    fn may_be_linked(&self, _digest: &Digest) -> bool {
        false
    }

    /// The repository that holds this blob, if it comes from a registry.
    fn origin(&self, _digest: &Digest) -> Option<Origin> {
        None
    }
}

/// Returns the digest of a descriptor; only SHA-256 is supported.
pub(crate) fn digest_of(descriptor: &Descriptor, place: &str) -> Result<Digest> {
    Digest::try_from(descriptor.digest()).map_err(|error| Error::Document {
        what: "descriptor",
        place: place.to_owned(),
        reason: error.to_string(),
    })
}

/// Reads a blob and fails at its end if size or digest differ from the descriptor.
///
/// A reader that is dropped early has verified nothing: read to the end or drain it.
pub struct Verified<R> {
    inner: HashingReader<R>,
    expected: Digest,
    size: u64,
    done: bool,
    error: Option<Box<dyn Fn() -> BoxError + Send>>,
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

impl<R: Read> Verified<R> {
    /// Verifies that `inner` has `size` bytes with the digest `expected`.
    pub fn new(inner: R, expected: Digest, size: u64) -> Self {
        Self { inner: HashingReader::new(inner), expected, size, done: false, error: None }
    }

    /// Replaces the error of a mismatch.
    #[must_use]
    pub fn or_error<E>(mut self, error: impl Fn() -> E + Send + 'static) -> Self
    where
        E: std::error::Error + Send + Sync + 'static,
    {
        self.error = Some(Box::new(move || error().into()));
        self
    }

    fn mismatch(&self, error: Error) -> io::Error {
        let error = self.error.as_ref().map_or_else(|| error.into(), |error| error());
        io::Error::new(io::ErrorKind::InvalidData, error)
    }

    /// Reads the rest, so that the whole blob is verified.
    ///
    /// # Errors
    /// The stream's own error, or the mismatch.
    pub fn drain(&mut self) -> io::Result<()> {
        io::copy(self, &mut io::sink()).map(drop)
    }
}

impl<R: Read> Read for Verified<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        let n = self.inner.read(buf)?;
        if self.inner.size() > self.size || (n == 0 && self.inner.size() < self.size) {
            return Err(self.mismatch(Error::SizeMismatch {
                what: "blob".to_owned(),
                digest: self.expected,
                expected: self.size,
                found: self.inner.size(),
            }));
        }
        if n == 0 && !self.done {
            let found = self.inner.digest();
            if found != self.expected {
                return Err(self.mismatch(Error::DigestMismatch {
                    what: "blob".to_owned(),
                    expected: self.expected,
                    found,
                }));
            }
            self.done = true;
        }
        Ok(n)
    }
}

/// Reads a small blob (manifest, config) into memory and verifies it.
///
/// # Errors
/// [`Error::DocumentTooLarge`] beyond `limit` bytes, else the mismatch or the stream's error.
pub fn read_small(
    blobs: &dyn Blobs,
    descriptor: &Descriptor,
    what: &'static str,
    place: &str,
    limit: u64,
) -> Result<Vec<u8>> {
    let digest = digest_of(descriptor, place)?;
    if descriptor.size() > limit {
        return Err(Error::DocumentTooLarge {
            what,
            place: place.to_owned(),
            size: descriptor.size(),
            limit,
        });
    }
    let mut bytes = Vec::new();
    Verified::new(blobs.open(descriptor)?, digest, descriptor.size())
        .read_to_end(&mut bytes)
        .map_err(|error| named(format!("{what} of {place}"), blob_error(digest, error)))?;
    Ok(bytes)
}

/// Names the blob of a mismatch.
pub(crate) fn named(what: String, error: Error) -> Error {
    match error {
        Error::DigestMismatch { expected, found, .. } => {
            Error::DigestMismatch { what, expected, found }
        }
        Error::SizeMismatch { digest, expected, found, .. } => {
            Error::SizeMismatch { what, digest, expected, found }
        }
        other => other,
    }
}

/// Recovers an [`Error`] that was wrapped in an [`io::Error`].
pub(crate) fn blob_error(digest: Digest, error: io::Error) -> Error {
    match error.downcast::<Error>() {
        Ok(own) => own,
        Err(source) => Error::BlobRead { digest, source },
    }
}
