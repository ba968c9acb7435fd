//! Why a folder is no cache, or cannot be cleaned.

use std::io;
use std::path::PathBuf;

/// Why a folder cannot be used as the cache.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It has files that no mlpack wrote.
    #[error("{} is not a cache of mlpack: it contains `{name}`", path.display())]
    Foreign {
        /// The folder.
        path: PathBuf,
        /// One of the files.
        name: String,
    },
    /// Another user could put programs and packages into it.
    #[error("the cache {} can be written by other users: {how}", path.display())]
    Shared {
        /// The folder.
        path: PathBuf,
        /// Its owner or its permissions.
        how: String,
    },
    /// A newer mlpack wrote it.
    #[error("the cache {} has format {found}, this mlpack has format {known}", path.display())]
    Format {
        /// The folder.
        path: PathBuf,
        /// Of the folder.
        found: String,
        /// Of this version.
        known: u32,
    },
    /// The system refused.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(crate) fn io(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { action, path, source }
    }

    /// Returns what to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Foreign { .. } => {
                "name an empty or a new folder with --cache-dir or MLPACK_CACHE_DIR".to_owned()
            }
            Self::Shared { path, .. } => format!(
                "name another folder with --cache-dir or MLPACK_CACHE_DIR; if its contents are trusted, `chown` it and `chmod go-w {}`",
                path.display()
            ),
            Self::Format { .. } => {
                "update mlpack, or name another folder with --cache-dir or MLPACK_CACHE_DIR"
                    .to_owned()
            }
            Self::Io { .. } => "set MLPACK_CACHE_DIR to a writable directory".to_owned(),
        }
    }
}
