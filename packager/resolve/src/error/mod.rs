//! Errors of resolving.

mod conda;
mod pip;

use std::io;
use std::path::Path;

pub use conda::CondaError;
pub use pip::PipError;

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Requirements that cannot be resolved.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A conda file or pip list that cannot be read.
    #[error(transparent)]
    Requirements(#[from] mlpack_requirements::Error),
    /// An index, a channel, an archive or the cache.
    #[error(transparent)]
    Packages(#[from] mlpack_packages::Error),
    /// uv, git, or a source that must be built.
    #[error(transparent)]
    SourceBuild(#[from] mlpack_source_build::Error),
    /// Conda packages that cannot be solved.
    #[error(transparent)]
    Conda(#[from] CondaError),
    /// Pip packages that cannot be resolved.
    #[error(transparent)]
    Pip(#[from] PipError),
    /// A cutoff that cannot be parsed.
    #[error("invalid date or timestamp `{found}`: {reason}")]
    Cutoff {
        /// As given.
        found: String,
        /// Why.
        reason: String,
    },
    /// A new interpreter without a conda file.
    #[error("a new interpreter requires a conda file")]
    NoCondaFile,
}

impl Error {
    /// Returns what the user can do about the error.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Requirements(error) => error.hint(),
            Self::Packages(error) => error.hint(),
            Self::SourceBuild(error) => error.hint(),
            Self::Conda(error) => error.hint(),
            Self::Pip(error) => error.hint(),
            Self::Cutoff { .. } => Some("write a date as 2019-05-05".to_owned()),
            Self::NoCondaFile => Some("give a conda file with --conda-file".to_owned()),
        }
    }

    /// Wraps an I/O error with what was tried on which path.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let wrap = mlpack_packages::Error::io(action, path);
        move |source| wrap(source).into()
    }
}
