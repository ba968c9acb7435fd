//! A stream that is what its package says it is.

use std::io::{self, Read};

use mlpack_oci::{Digest, HashingReader};

use crate::Error;

/// Fails at the end of the stream unless hash and size are the expected ones.
pub(crate) struct Verified<R> {
    inner: HashingReader<R>,
    expected: (Digest, u64),
    /// What is said then.
    fault: Box<dyn Fn() -> Error + Send>,
}

impl<R: Read> Verified<R> {
    pub(crate) fn new(
        inner: R,
        sha256: Digest,
        size: u64,
        fault: impl Fn() -> Error + Send + 'static,
    ) -> Self {
        Self { inner: HashingReader::new(inner), expected: (sha256, size), fault: Box::new(fault) }
    }
}

impl<R: Read> Read for Verified<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        let over = self.inner.size() > self.expected.1;
        if over || (n == 0 && !buf.is_empty() && self.inner.digest() != self.expected.0) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, (self.fault)()));
        }
        Ok(n)
    }
}
