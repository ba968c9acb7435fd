//! How much of what comes from outside is read, in one place: what is beyond is an attack or a mistake.
//!
//! A whole development machine with nine Pythons, a Rust toolchain and their caches has 794,000 files, the longest path 279
//! bytes, the deepest 21 folders.

use std::error::Error as StdError;
use std::fmt;
use std::io;

/// Length of a path or of a link's target, in bytes: Linux opens no longer one (PATH_MAX, limits.h).
pub const PATH_BYTES: u64 = 4096;

/// Length of one extension header of a tar (pax, GNU long names), in bytes. It can hold paths and extended attributes,
/// which Linux limits to 64 KiB each (XATTR_SIZE_MAX).
pub const EXTENSION_BYTES: u64 = 1 << 20;

/// What the index of one layer takes in memory: paths, links, kept contents, and 192 bytes for each
/// entry.
pub const INDEX_BYTES: u64 = 512 << 20;

/// What is kept of the contents of one layer, in bytes: texts that facts are read from. The test bases, with a
/// distribution and a Python each, have less than 1 KiB.
pub const KEPT_BYTES: u64 = 16 << 20;

/// What a compressed archive of an image may become, in bytes: so much in any case, and beyond it
/// [`ARCHIVE_RATIO`] times its size. Programs and libraries become three to ten times as large.
pub const ARCHIVE_BYTES: u64 = 4 << 30;

/// How many times its size a compressed archive may become, if that is more than [`ARCHIVE_BYTES`].
pub const ARCHIVE_RATIO: u64 = 200;

/// What an entry takes besides its path.
pub(crate) const ENTRY_BYTES: usize = 192;

/// Something from outside is larger than what is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitExceeded {
    /// What it is, as in `a path`.
    pub what: &'static str,
    /// Its size in bytes, or more than that much.
    pub found: u64,
    /// How much is read.
    pub limit: u64,
}

impl fmt::Display for LimitExceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, found, limit } = self;
        write!(f, "{what} of {found} bytes, where at most {limit} are read")
    }
}

impl StdError for LimitExceeded {}

impl LimitExceeded {
    /// Returns the limit that an I/O error reports, however often it was wrapped.
    pub fn of(error: &io::Error) -> Option<Self> {
        let mut next: Option<&(dyn StdError + 'static)> = Some(error);
        while let Some(error) = next {
            if let Some(found) = error.downcast_ref::<Self>() {
                return Some(found.clone());
            }
            next = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
                Some(inner) => Some(inner),
                None => error.source(),
            };
        }
        None
    }

    /// Checks a size.
    ///
    /// # Errors
    /// Itself, inside of an I/O error.
    pub fn check(what: &'static str, found: u64, limit: u64) -> io::Result<()> {
        match found > limit {
            true => Err(io::Error::other(Self { what, found, limit })),
            false => Ok(()),
        }
    }
}
