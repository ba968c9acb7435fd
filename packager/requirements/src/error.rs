//! Errors of reading what an environment is asked to contain.

use std::io;
use std::path::{Path, PathBuf};

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A conda file or a pip list that cannot be read. The message is the fact; [`Error::hint`] says
/// what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file cannot be read.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried: `read`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The conda file is not YAML.
    #[error("{}:{line}: {reason}", path.display())]
    Yaml {
        /// The conda file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// What the parser reported.
        reason: String,
        /// What to do about it.
        hint: Option<&'static str>,
    },
    /// The conda file has a key that no conda file has.
    #[error("{}:{line}: unknown key `{key}`", path.display())]
    UnknownKey {
        /// The conda file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// As written.
        key: String,
        /// The known key most like it.
        nearest: Option<&'static str>,
        /// All keys of a conda file.
        known: &'static [&'static str],
    },
    /// `pip:` is a key of the file instead of an item of `dependencies:`.
    #[error("{}:{line}: `pip:` must be nested under `dependencies:`", path.display())]
    PipMisplaced {
        /// The conda file.
        path: PathBuf,
        /// From 1.
        line: usize,
    },
    /// A value of the conda file has the wrong type.
    #[error("{}:{line}: `{key}` must be {expected}, found {found}", path.display())]
    WrongType {
        /// The conda file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// The key it belongs to.
        key: &'static str,
        /// What is valid there.
        expected: &'static str,
        /// What the file has.
        found: &'static str,
    },
    /// A line of `dependencies:` is not a package specification.
    #[error("{}:{line}: invalid conda package `{text}`: {reason}", path.display())]
    CondaLine {
        /// The conda file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// As written.
        text: String,
        /// What is wrong.
        reason: String,
    },
    /// A line of a pip list, or of a file that it names, is not a requirement.
    #[error("{place}: invalid pip requirement `{text}`: {reason}")]
    PipLine {
        /// File and line.
        place: String,
        /// As written, without passwords.
        text: String,
        /// What is wrong.
        reason: String,
    },
    /// A requirement that cannot be followed.
    #[error("{place}: `{text}`: {reason}")]
    PipRequirement {
        /// File and line.
        place: String,
        /// As written, without passwords.
        text: String,
        /// Why not.
        reason: String,
        /// What to do about it.
        hint: Option<String>,
    },
}

impl Error {
    /// What the user can do about the error.
    pub fn hint(&self) -> Option<String> {
        const NESTED: &str = "write it as\n  dependencies:\n    - python=3.6.2\n    - pip:\n      - azureml-defaults";
        match self {
            Self::Io { .. } | Self::CondaLine { .. } | Self::PipLine { .. } => None,
            Self::Yaml { hint, .. } => hint.map(str::to_owned),
            Self::UnknownKey { nearest: Some(key), .. } => Some(format!("did you mean `{key}`?")),
            Self::UnknownKey { known, .. } => {
                Some(format!("the keys of a conda file are {}", known.join(", ")))
            }
            Self::WrongType { key: "dependencies" | "pip" | "conda file", .. }
            | Self::PipMisplaced { .. } => Some(NESTED.to_owned()),
            Self::WrongType { .. } => None,
            Self::PipRequirement { hint, .. } => hint.clone(),
        }
    }

    /// Wraps an I/O error with what was tried on which path.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }
}
