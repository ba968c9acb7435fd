//! How much archives of packages may expand, in one place: what is beyond is an attack.
//!
//! Deflate cannot expand more than 1032 times (zlib, "Technical details"); bzip2 and zstd can, without an end.

use std::io::{self, Read};

/// An archive of this size or less expands as it likes, in bytes uncompressed.
const ALWAYS: u64 = 1 << 30;

/// How many times a larger one may expand. Real packages stay far below: text expands some ten times.
const RATIO: u64 = 100;

/// The most that one byte of deflate can become.
const DEFLATE_RATIO: u64 = 1032;

/// Checks what an archive of `stored` bytes expands to.
///
/// # Errors
/// What is too much.
pub(crate) fn check_expansion(stored: u64, expanded: u64) -> Result<(), String> {
    match expanded > ALWAYS.max(stored.saturating_mul(RATIO)) {
        true => Err(format!(
            "its {stored} bytes expand to more than {RATIO} times as much, {expanded} bytes or more"
        )),
        false => Ok(()),
    }
}

/// Checks the size that a member of a zip states.
///
/// # Errors
/// That deflate cannot hold it.
pub(crate) fn check_member(path: &str, compressed: u64, size: u64) -> Result<(), String> {
    match size > compressed.saturating_mul(DEFLATE_RATIO).saturating_add(DEFLATE_RATIO) {
        true => Err(format!("`{path}` states {size} bytes, which {compressed} cannot hold")),
        false => Ok(()),
    }
}

/// What an archive expands to, which ends with an error where [`check_expansion`] would.
pub(crate) struct Expanding<R> {
    inner: R,
    stored: u64,
    expanded: u64,
}

impl<R> Expanding<R> {
    /// Reads what `stored` bytes expand to.
    pub(crate) fn new(inner: R, stored: u64) -> Self {
        Self { inner, stored, expanded: 0 }
    }
}

impl<R: Read> Read for Expanding<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buf)?;
        self.expanded += count as u64;
        check_expansion(self.stored, self.expanded).map_err(io::Error::other)?;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_does_not_expand_without_end() {
        assert_eq!(check_expansion(1, ALWAYS), Ok(()));
        assert_eq!(check_expansion(1 << 30, 100 << 30), Ok(()));
        assert!(check_expansion(300_000, 10 << 30).is_err());
        let mut endless = Expanding::new(io::repeat(0), 328_000);
        let error = io::copy(&mut endless, &mut io::sink()).unwrap_err();
        assert!(
            error.to_string().starts_with("its 328000 bytes expand to more than 100 times as much"),
            "{error}"
        );
    }

    #[test]
    fn a_member_states_what_deflate_can_hold() {
        assert_eq!(check_member("a", 0, 0), Ok(()));
        assert_eq!(check_member("a", 10, 10 * 1032), Ok(()));
        let error = check_member("a", 10, 1 << 40).unwrap_err();
        assert_eq!(error, "`a` states 1099511627776 bytes, which 10 cannot hold");
    }
}
