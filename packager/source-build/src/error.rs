//! Errors of building wheels.

use std::io;
use std::path::{Path, PathBuf};

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Sources that cannot be had or built, and tools that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An archive or the cache.
    #[error(transparent)]
    Packages(#[from] mlpack_packages::Error),
    /// uv is neither on this machine nor could it be fetched.
    #[error("cannot find or download uv: {reason}")]
    UvMissing {
        /// Why not.
        reason: String,
    },
    /// A uv executable that was given does not work.
    #[error("cannot use {} as uv: {reason}", path.display())]
    UvBroken {
        /// As given.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// uv was killed, or panicked.
    #[error("{} {reason}", path.display())]
    UvEnded {
        /// The executable.
        path: PathBuf,
        /// How.
        reason: String,
    },
    /// A repository is needed and git is not installed.
    #[error("cannot read the repository {url}: git is not on the search path")]
    GitMissing {
        /// Without user and password.
        url: String,
    },
    /// A repository that cannot be read.
    #[error("cannot read the repository {url}: {reason}")]
    Repository {
        /// Without user and password.
        url: String,
        /// What git reported.
        reason: String,
    },
    /// A source folder that cannot be used.
    #[error("cannot use the sources in {}: {reason}", path.display())]
    Sources {
        /// The folder.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A locked source whose origin cannot be fetched.
    #[error("cannot fetch the locked sources: {reason}")]
    Origin {
        /// What is wrong with it.
        reason: String,
    },
    /// A package without a wheel that cannot be built here.
    #[error("{name} {version} has no wheel for {target} and cannot be built here: {reason}")]
    Unbuildable {
        /// The package.
        name: String,
        /// Its version.
        version: String,
        /// What it is for.
        target: String,
        /// Why not, with the last lines of the build where there was one.
        reason: String,
        /// The Python that would build it, as `3.6`.
        python: String,
    },
}

impl Error {
    /// Returns what the user can do about the error.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Packages(error) => error.hint(),
            Self::UvMissing { .. } => Some(
                "install it with `pip install uv`, or name an executable with MLPACK_UV".to_owned(),
            ),
            Self::UvBroken { .. } => Some("name another executable with MLPACK_UV".to_owned()),
            Self::UvEnded { .. } => Some(
                "see whether the machine had enough memory for it and its threads (`ulimit -u`), and run the command again".to_owned(),
            ),
            Self::GitMissing { .. } => Some(
                "install git, or name an archive of the repository, as https://github.com/TEAM/NAME/archive/TAG.zip".to_owned(),
            ),
            Self::Repository { .. } => Some(
                "check address and revision; for a private repository give git a login".to_owned(),
            ),
            Self::Sources { .. } | Self::Origin { .. } => None,
            Self::Unbuildable { name, python, .. } => Some(format!(
                "pin a version of {name} that has a wheel, put a wheel of it where --find-links points, or give a Python {python} of this machine's architecture with --python"
            )),
        }
    }

    /// Wraps an I/O error with what was tried on which path.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let wrap = mlpack_packages::Error::io(action, path);
        move |source| wrap(source).into()
    }
}
