//! Errors of sources.

use std::io;
use std::path::Path;

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a model could not be read from where it is. The message is the fact; [`Error::hint`] is what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A server did not answer, or stopped in the middle.
    #[error("cannot download {url}: {reason}")]
    Download {
        /// The address, without secrets.
        url: String,
        /// The last reason, after every attempt.
        reason: String,
    },
    /// A server has no such file.
    #[error("there is nothing at {url}")]
    NotFound {
        /// The address, without secrets.
        url: String,
    },
    /// A server's answer is not what its interface says.
    #[error("unexpected answer from {url}: {reason}")]
    Answer {
        /// The address, without secrets.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A file cannot be read or written.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// What was tried, as in `read`.
        action: &'static str,
        /// The file.
        path: String,
        /// The system's reason.
        source: io::Error,
    },
    /// An archive cannot be unpacked.
    #[error("cannot unpack {archive}: {reason}")]
    Archive {
        /// The file.
        archive: String,
        /// What is wrong with it.
        reason: String,
    },
    /// No store of MLflow is known.
    #[error("cannot find the runs of MLflow")]
    NoStore,
    /// A store of MLflow cannot be read.
    #[error("cannot read the runs in {store}: {reason}")]
    Store {
        /// The database, folder or server.
        store: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A program writes to the database of MLflow.
    #[error("the runs in {store} are locked by a program that writes to them")]
    Locked {
        /// The database.
        store: String,
    },
    /// There is no such run or experiment, or it has no such artifact.
    #[error("{what} in {store}{}", known(present))]
    Missing {
        /// What is missing, as in "there is no run `1`".
        what: String,
        /// The database, folder or server.
        store: String,
        /// What is there instead.
        present: Vec<String>,
    },
    /// The artifacts are in a storage that is not read.
    #[error("the artifacts of run {run} are at {uri}, which mlpack does not read")]
    Storage {
        /// The run.
        run: String,
        /// Where they are.
        uri: String,
    },
}

impl Error {
    /// Returns what the user can do about it, where there is something.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Download { .. } => {
                Some("run the command again; nothing was registered".to_owned())
            }
            Self::NotFound { .. } => Some("correct the URL".to_owned()),
            Self::Locked { .. } => {
                Some("run the command again when nothing writes to it".to_owned())
            }
            Self::NoStore | Self::Store { .. } => Some(
                "name one with `--tracking-uri` or MLFLOW_TRACKING_URI: the URL of a server, a `sqlite:///` database or an `mlruns` folder"
                    .to_owned(),
            ),
            Self::Storage { run, .. } => Some(format!(
                "download them with `mlflow artifacts download --run-id {run} --artifact-path PATH`, and register them with `-p`"
            )),
            _ => None,
        }
    }

    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.display().to_string();
        move |source| Self::Io { action, path, source }
    }
}

fn known(present: &[String]) -> String {
    match present {
        [] => String::new(),
        names => format!("; it has {}", names.join(", ")),
    }
}
