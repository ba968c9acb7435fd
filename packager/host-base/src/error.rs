//! Errors of assembling a base image from this machine.

use std::io;
use std::path::{Path, PathBuf};

use mlpack_oci::IoError;

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Errors of querying an interpreter and of assembling a base image. The message is the fact;
/// [`Error::hint`] is what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The interpreter could not be started, or failed.
    #[error("cannot run {}: {reason}", python.display())]
    Query {
        /// As given.
        python: PathBuf,
        /// The system's reason, or the output on stderr.
        reason: String,
    },
    /// The interpreter's output could not be parsed.
    #[error("unexpected output of {}: {reason}", python.display())]
    Answer {
        /// As given.
        python: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// PyPy and others have another layout.
    #[error("{} is {found}, not CPython", python.display())]
    Implementation {
        /// As given.
        python: PathBuf,
        /// The name of the implementation.
        found: String,
    },
    /// The interpreter's standard library is not a folder with `os.py`.
    #[error("the standard library of Python {version} is not at {}", path.display())]
    NoStandardLibrary {
        /// Full version.
        version: String,
        /// The expected path.
        path: PathBuf,
    },
    /// The processor is not supported.
    #[error("unsupported processor {found}: images are built for x86_64 and aarch64")]
    Architecture {
        /// Rust's name.
        found: String,
    },
    /// The interpreter is a script, or a program of another system or processor.
    #[error("{} is not a program of this machine: {reason}", path.display())]
    NotAProgram {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A program without a dynamic loader.
    #[error("{} is linked statically and cannot load packages with compiled parts", path.display())]
    Static {
        /// The interpreter.
        path: PathBuf,
    },
    /// A program for another C library than GNU's.
    #[error("{} uses {loader}, which is not the GNU C library", path.display())]
    OtherLibc {
        /// The interpreter.
        path: PathBuf,
        /// Its dynamic loader.
        loader: String,
    },
    /// A required library is not on this machine.
    #[error("the library {library}, which {needed_by} needs, is not on this machine")]
    LibraryMissing {
        /// Its name, as in `libssl.so.3`.
        library: String,
        /// The program or library that needs it.
        needed_by: String,
    },
    /// A file of this machine could not be read.
    #[error(transparent)]
    Io(#[from] IoError),
    /// The layers or the layout could not be written.
    #[error(transparent)]
    Image(#[from] mlpack_oci::Error),
}

impl Error {
    /// Returns a function that wraps an I/O error with what was tried on which path.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        IoError::at(action, path)
    }

    /// Returns what the user can do about it, if there is something.
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::Query { .. } | Self::Answer { .. } => {
                "put CPython 3.8 or newer first on PATH, or choose a base image with `--base-image`"
            }
            Self::Implementation { .. } | Self::NotAProgram { .. } => {
                "put a CPython for this machine first on PATH, or choose a base image with `--base-image`"
            }
            Self::NoStandardLibrary { .. } => {
                "install the complete Python (on Debian and Ubuntu `apt-get install python3`), or put another one first on PATH"
            }
            Self::Static { .. } | Self::OtherLibc { .. } => {
                "wheels are built for a dynamically linked CPython on the GNU C library: put one first on PATH, or choose a base image with `--base-image`"
            }
            Self::Architecture { .. } => "choose a base image with `--base-image`",
            Self::LibraryMissing { .. } => {
                "install the package that contains it, put another Python first on PATH, or choose a base image with `--base-image`"
            }
            Self::Image(error) => return error.hint(),
            Self::Io(error) => return error.hint(),
        };
        Some(text.to_owned())
    }
}
