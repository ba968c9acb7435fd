//! Errors of reading a document.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::Position;

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A document that cannot be read. The message is the fact; [`Error::hint`] says what to do about
/// it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The text is not YAML or JSON.
    #[error("{place}: {reason}")]
    Syntax {
        /// Where the parser stopped.
        place: Place,
        /// What it reported, or the slip that led to it.
        reason: String,
        /// What to do about it.
        hint: Option<String>,
        /// A part of the line, and the same as it was meant.
        mended: Option<Box<(String, String)>>,
    },
    /// The document is a list or a scalar.
    #[error("{place}: expected a mapping of keys to values, found {found}")]
    NotAMapping {
        /// The document.
        place: Place,
        /// The type, with article.
        found: &'static str,
    },
    /// A key that nothing reads.
    #[error("{place}: unknown key `{key}`")]
    UnknownKey {
        /// The key.
        place: Place,
        /// With the keys that lead to it: `docker.baseImge`.
        key: String,
        /// The known key that is spelled most like it.
        nearest: Option<&'static str>,
        /// All keys that are valid there.
        known: Vec<&'static str>,
    },
    /// A key given twice, or two spellings of one key.
    #[error("{place}: duplicate key `{key}` (first given as `{first}` on line {first_line})")]
    DuplicateKey {
        /// The second one.
        place: Place,
        /// The second one, with the keys that lead to it where they are known.
        key: String,
        /// The first one.
        first: String,
        /// Its line, from 1.
        first_line: usize,
    },
    /// A key that is required.
    #[error("{place}: missing key `{key}`")]
    MissingKey {
        /// The mapping it belongs to.
        place: Place,
        /// With the keys that lead to it.
        key: String,
    },
    /// A value of the wrong type or out of range.
    #[error("{place}: `{key}` must be {expected}, found {found}")]
    InvalidValue {
        /// The key, or the value where it has none.
        place: Place,
        /// With the keys that lead to it.
        key: String,
        /// What is valid, with article.
        expected: Box<str>,
        /// The type with its article, or the value in backticks.
        found: Box<str>,
        /// What to do about it.
        hint: Option<&'static str>,
    },
    /// Keys that exclude or need each other.
    #[error("{place}: {reason}")]
    Conflict {
        /// One of the keys.
        place: Place,
        /// The rule that is broken.
        reason: String,
    },
}

/// A position in a file, printed as `file:line:column`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file, or what holds the values instead.
    pub path: PathBuf,
    /// The position in it; [`Position::NONE`] where there is none.
    pub at: Position,
}

impl Place {
    /// A position in a file.
    pub fn new(path: &Path, at: Position) -> Self {
        Self { path: path.to_owned(), at }
    }

    /// A line of a file, printed as `file:line`.
    pub fn line(path: &Path, line: usize) -> Self {
        Self::new(path, Position { line, column: 0 })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        match self.at {
            Position::NONE => Ok(()),
            Position { line, column: 0 } => write!(f, ":{line}"),
            Position { line, column } => write!(f, ":{line}:{column}"),
        }
    }
}

impl Error {
    /// Returns a part of the line that the error is about, and the same as it was meant, where that is certain.
    pub fn mended(&self) -> Option<(String, String)> {
        match self {
            Self::Syntax { mended, .. } => mended.as_deref().cloned(),
            Self::UnknownKey { key, nearest: Some(near), .. } => {
                let written = key.rsplit('.').next().unwrap_or(key);
                Some((written.to_owned(), (*near).to_owned()))
            }
            _ => None,
        }
    }

    /// Returns what the user can do about the error.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Syntax { hint, .. } => hint.clone(),
            Self::InvalidValue { hint, .. } => hint.map(str::to_owned),
            Self::UnknownKey { nearest: Some(key), .. } => Some(format!("did you mean `{key}`?")),
            Self::UnknownKey { known, .. } => {
                Some(format!("the valid keys are {}", known.join(", ")))
            }
            Self::DuplicateKey { .. } => Some("keep one of the two".to_owned()),
            Self::NotAMapping { .. } | Self::MissingKey { .. } | Self::Conflict { .. } => None,
        }
    }
}
