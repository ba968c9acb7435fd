//! Errors of installing.

use std::io;
use std::path::{Path, PathBuf};

use mlpack_requirements::PythonVersion;

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A lock that cannot be fetched or installed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An index, a channel, an archive or the cache.
    #[error(transparent)]
    Packages(#[from] mlpack_packages::Error),
    /// A source that must be built.
    #[error(transparent)]
    SourceBuild(#[from] mlpack_source_build::Error),
    /// Files that cannot be in a layer.
    #[error(transparent)]
    Layer(#[from] mlpack_oci::Error),
    /// A wheel without a platform that does not load on the image.
    #[error("{wheel} is not compatible with {target}: {reason}")]
    IncompatibleWheel {
        /// The package.
        name: String,
        /// The wheel's file name.
        wheel: String,
        /// What it should load on.
        target: String,
        /// Why it does not.
        reason: String,
    },
    /// No interpreter of this machine compiles for the image.
    #[error("no Python {} on this machine to compile bytecode with", python.minor_text())]
    NoCompiler {
        /// The image's interpreter.
        python: PythonVersion,
    },
    /// An interpreter of this machine fails to compile.
    #[error("{} cannot compile: {reason}", python.display())]
    Compiler {
        /// The interpreter.
        python: PathBuf,
        /// Why.
        reason: String,
    },
}

impl Error {
    /// Returns what the user can do about the error.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Packages(error) => error.hint(),
            Self::SourceBuild(error) => error.hint(),
            Self::Layer(error) => error.hint(),
            Self::IncompatibleWheel { name, .. } => Some(format!(
                "name a wheel of {name} for this image or its source archive, or use another base image"
            )),
            Self::NoCompiler { python } => Some(format!(
                "give a Python {} with --python, or leave out --bytecode",
                python.minor_text()
            )),
            Self::Compiler { .. } => {
                Some("give another one with --python, or leave out --bytecode".to_owned())
            }
        }
    }

    /// Wraps an I/O error with what was tried on which path.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let wrap = mlpack_packages::Error::io(action, path);
        move |source| wrap(source).into()
    }
}
