//! Why no base image can be made of this machine.

use std::io;
use std::path::{Path, PathBuf};

/// Result of this room.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Errors of asking an interpreter and of assembling a base from this machine.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The interpreter could not be started, or failed.
    #[error("{} does not answer: {reason}", python.display())]
    Ask {
        /// As given.
        python: PathBuf,
        /// The system's reason, or what it wrote to stderr.
        reason: String,
    },
    /// What the interpreter printed is not what was asked for.
    #[error("the answer of {} is not understood: {reason}", python.display())]
    Answer {
        /// As given.
        python: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// PyPy and others keep their files in other places.
    #[error("{} is {found}, not CPython", python.display())]
    Implementation {
        /// As given.
        python: PathBuf,
        /// Its own name.
        found: String,
    },
    /// The interpreter's standard library is not a folder with `os.py`.
    #[error("the standard library of Python {version} is not at {}", path.display())]
    NoStandardLibrary {
        /// Full version.
        version: String,
        /// Where it should be.
        path: PathBuf,
    },
    /// No image can be made for this kind of processor.
    #[error("images are made for x86_64 and aarch64; this machine is {found}")]
    Architecture {
        /// As Rust names it.
        found: String,
    },
    /// The interpreter is a script, or a program of another system or processor.
    #[error("{} is not a program of this machine: {reason}", path.display())]
    NotAProgram {
        /// The file.
        path: PathBuf,
        /// What the ELF reader said.
        reason: String,
    },
    /// A program without a dynamic loader.
    #[error("{} is linked statically and cannot load packages with compiled parts", path.display())]
    Static {
        /// The interpreter.
        path: PathBuf,
    },
    /// A program of another C library than GNU's.
    #[error("{} runs on {loader}, which is not the GNU C library", path.display())]
    OtherLibc {
        /// The interpreter.
        path: PathBuf,
        /// Its dynamic loader.
        loader: String,
    },
    /// A library without which nothing runs is not on this machine.
    #[error("the library {library}, which {needed_by} needs, is not on this machine")]
    LibraryMissing {
        /// Its name, as in `libssl.so.3`.
        library: String,
        /// The program or library that asks for it.
        needed_by: String,
    },
    /// A file of this machine could not be read.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The path.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The layers or the layout could not be written.
    #[error(transparent)]
    Image(#[from] mlpack_oci::Error),
}

impl Error {
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }

    /// What the user can do about it, where there is something.
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::Ask { .. } | Self::Answer { .. } => {
                "put a CPython 3.8 or newer first on PATH, or name a base image with --base-image"
            }
            Self::Implementation { .. } | Self::NotAProgram { .. } => {
                "put a CPython of this machine first on PATH, or name a base image with --base-image"
            }
            Self::NoStandardLibrary { .. } => {
                "install the whole of Python (on Debian and Ubuntu `apt-get install python3`), or put another one first on PATH"
            }
            Self::Static { .. } | Self::OtherLibc { .. } => {
                "ready-made packages are built for a dynamically linked CPython on the GNU C library: put such a one first on PATH, or name a base image with --base-image"
            }
            Self::Architecture { .. } => "name a base image with --base-image",
            Self::LibraryMissing { .. } => {
                "install the package that has it, or put another Python first on PATH, or name a base image with --base-image"
            }
            Self::Image(error) => return error.hint(),
            Self::Io { .. } => return None,
        };
        Some(text.to_owned())
    }
}
