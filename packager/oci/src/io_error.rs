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
        io_hint(&self.source)
    }
}

/// Returns the hint for a full disk, or for a limit on threads and processes (pthread_create(3) and fork(2), EAGAIN).
pub fn io_hint(source: &io::Error) -> Option<String> {
    let hint = match source.kind() {
        io::ErrorKind::StorageFull => {
            "the disk is full: free some space, or set MLPACK_CACHE_DIR and the output to a larger disk"
        }
        io::ErrorKind::WouldBlock => {
            "no more threads or processes may run: raise the limit (`ulimit -u`, or the container's limit of processes), or end others"
        }
        _ => return None,
    };
    Some(hint.to_owned())
}
