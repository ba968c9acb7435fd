//! Errors of lock files.

use std::io;
use std::path::{Path, PathBuf};

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A lock file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file cannot be read or written.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// `read` or `write`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A lock file that cannot be parsed.
    #[error("{}:{line}: {reason}", path.display())]
    Invalid {
        /// The lock file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// What is wrong, with the key.
        reason: String,
    },
    /// A lock file of another format version.
    #[error("{} has format {found}, this mlpack reads {known}", path.display())]
    UnknownFormat {
        /// The lock file.
        path: PathBuf,
        /// The version in the file.
        found: u32,
        /// The version that is known.
        known: u32,
    },
    /// A required lock file is missing.
    #[error("there is no {}", path.display())]
    Missing {
        /// Where it should be.
        path: PathBuf,
    },
    /// A required lock file does not match the project.
    #[error("{} is out of date: {}", path.display(), differences.join("; "))]
    OutOfDate {
        /// The lock file.
        path: PathBuf,
        /// Half a sentence each.
        differences: Vec<String>,
    },
    /// A package to upgrade is not locked.
    #[error("{} has no package `{name}`", path.display())]
    NotLocked {
        /// The lock file.
        path: PathBuf,
        /// As given.
        name: String,
        /// The package most like it.
        nearest: Option<String>,
    },
}

impl Error {
    /// Returns what the user can do about the error.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Io { .. } => None,
            Self::Invalid { .. } => Some(
                "undo the edit or run `mlpack lock --update` to recreate it; use --no-lock to ignore it"
                    .to_owned(),
            ),
            Self::UnknownFormat { found, known, .. } => Some(match found > known {
                true => "use the mlpack that wrote it, or a newer one".to_owned(),
                false => "run `mlpack lock --update` to recreate it".to_owned(),
            }),
            Self::Missing { .. } => {
                Some("run `mlpack lock` with the same arguments to create it".to_owned())
            }
            Self::OutOfDate { .. } => {
                Some("run `mlpack lock` with the same arguments to update it".to_owned())
            }
            Self::NotLocked { nearest: Some(name), .. } => Some(format!("did you mean {name}?")),
            Self::NotLocked { .. } => {
                Some("`mlpack env list` shows the packages of a lock file".to_owned())
            }
        }
    }

    /// Wraps an I/O error with what was tried on which path.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }
}
