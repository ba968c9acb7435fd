//! An I/O error that says what was tried on which path.

use std::io;
use std::path::{Path, PathBuf};

/// A file or folder could not be read or written. The error enums of the crates wrap it.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {}: {source}", path.display())]
pub struct IoError {
    /// What was tried: `read`, `write`, `create`.
    pub action: &'static str,
    /// The file or folder.
    pub path: PathBuf,
    /// The system's reason.
    pub source: io::Error,
}

impl IoError {
    /// Returns a function for `map_err` that wraps an I/O error in an `IoError` or in an enum with a
    /// variant for it.
    pub fn at<E: From<Self>>(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> E {
        let path = path.to_owned();
        move |source| Self { action, path, source }.into()
    }

    /// Returns what the user can do about it, if there is something.
    pub fn hint(&self) -> Option<String> {
        hint(&self.source)
    }
}

/// Returns the hint for a full disk.
pub(crate) fn hint(source: &io::Error) -> Option<String> {
    (source.kind() == io::ErrorKind::StorageFull).then(|| {
        "the disk is full: free some space, or set MLPACK_CACHE_DIR and the output to a larger disk"
            .to_owned()
    })
}
