//! Errors of reading what an environment is asked to contain.

use std::io;
use std::path::{Path, PathBuf};

use mlpack_documents::Place;

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
    /// The conda file is not YAML, or has keys or values that no conda file has.
    #[error("{error}")]
    Document {
        /// What is wrong and where.
        #[source]
        error: Box<mlpack_documents::Error>,
        /// What to do about it, if that is not the document's own hint.
        hint: Option<&'static str>,
    },
    /// `pip:` is a key of the file instead of an item of `dependencies:`.
    #[error("{place}: `pip:` must be nested under `dependencies:`")]
    PipMisplaced {
        /// The key.
        place: Place,
    },
    /// A line of `dependencies:` is not a package specification.
    #[error("{place}: invalid conda package `{text}`: {reason}")]
    CondaLine {
        /// The line.
        place: Place,
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
        /// The line as it was meant, where that is certain.
        mended: Option<String>,
    },
    /// Several lines that cannot be read.
    #[error("{}", lines(.0))]
    Several(Vec<Error>),
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
        match self {
            Self::Io { .. } | Self::CondaLine { .. } | Self::PipLine { .. } => None,
            Self::Document { error, hint } => hint.map(str::to_owned).or_else(|| error.hint()),
            Self::PipMisplaced { .. } => Some(
                "write it as\n  dependencies:\n    - python=3.6.2\n    - pip:\n      - azureml-defaults"
                    .to_owned(),
            ),
            Self::PipRequirement { hint, .. } => hint.clone(),
            Self::Several(errors) => errors.iter().find_map(Self::hint),
        }
    }

    /// Returns a part of the line that the error is about, and the same as it was meant, where that is certain.
    pub fn mended(&self) -> Option<(String, String)> {
        match self {
            Self::Document { error, .. } => error.mended(),
            Self::PipLine { text, mended, .. } => Some((text.clone(), mended.clone()?)),
            _ => None,
        }
    }

    /// Returns the errors of [`Error::Several`], or the error itself.
    pub fn each(self) -> Vec<Self> {
        match self {
            Self::Several(errors) => errors,
            only => vec![only],
        }
    }

    /// Returns nothing for no errors, the only one, or all of them.
    pub(crate) fn of(errors: Vec<Self>) -> Result<()> {
        let mut errors: Vec<Self> = errors.into_iter().flat_map(Self::each).collect();
        match errors.len() {
            0 => Ok(()),
            1 => Err(errors.remove(0)),
            _ => Err(Self::Several(errors)),
        }
    }

    /// Wraps an error of a document with a hint about conda files.
    pub(crate) fn document(error: mlpack_documents::Error, hint: Option<&'static str>) -> Self {
        Self::Document { error: Box::new(error), hint }
    }

    /// Wraps an I/O error with what was tried on which path.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }
}

impl From<mlpack_documents::Error> for Error {
    fn from(error: mlpack_documents::Error) -> Self {
        Self::document(error, None)
    }
}

fn lines(errors: &[Error]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}
