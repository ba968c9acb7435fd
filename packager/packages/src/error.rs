//! Errors of fetching and reading package archives.

use std::io;
use std::path::{Path, PathBuf};

use mlpack_oci::Digest;

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A package archive that cannot be had or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder cannot be read or written.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried: `read`, `write`, `create`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A file of the project that cannot be read.
    #[error(transparent)]
    Requirements(#[from] mlpack_requirements::Error),
    /// A request that failed.
    #[error("cannot fetch {url}: {reason}")]
    Fetch {
        /// Without user and password.
        url: String,
        /// Status or the connection's reason.
        reason: String,
    },
    /// A downloaded or local file is not the one that was locked.
    #[error("checksum mismatch for {filename}: expected {expected}, got {found}")]
    ChecksumMismatch {
        /// The file.
        filename: String,
        /// From the lock.
        expected: Digest,
        /// Of the bytes.
        found: Digest,
    },
    /// A wheel that breaks its specification.
    #[error("invalid wheel {wheel}: {reason}")]
    InvalidWheel {
        /// Its file name.
        wheel: String,
        /// What is wrong.
        reason: String,
    },
    /// A file of a wheel differs from what the wheel's own RECORD lists.
    #[error("`{file}` in {wheel} does not match the wheel's RECORD")]
    RecordMismatch {
        /// The wheel's file name.
        wheel: String,
        /// The file inside.
        file: String,
    },
    /// A channel that cannot be read.
    #[error("cannot use channel {channel}: {reason}")]
    Channel {
        /// Its address without secrets.
        channel: String,
        /// Why.
        reason: String,
    },
    /// A file of conda's own configuration that cannot be read.
    #[error("{}:{line}: {reason}", path.display())]
    Condarc {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// Which key, and what is wrong with it.
        reason: String,
    },
    /// A conda archive that breaks the format.
    #[error("invalid conda package {archive}: {reason}")]
    InvalidConda {
        /// Its file name.
        archive: String,
        /// What is wrong.
        reason: String,
    },
    /// A binary cannot hold the environment's path.
    #[error("`{file}` in {archive} supports install prefixes of at most {longest} characters; `{prefix}` has {}", prefix.len())]
    PrefixTooLong {
        /// The archive.
        archive: String,
        /// The file in it.
        file: String,
        /// The environment's folder.
        prefix: String,
        /// Length of the placeholder.
        longest: usize,
    },
}

impl Error {
    /// Returns what the user can do about the error.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Io { source, .. } => mlpack_oci::io_hint(source),
            Self::InvalidWheel { .. } => None,
            Self::Requirements(error) => error.hint(),
            Self::Fetch { .. } => {
                Some("check the network, and PIP_INDEX_URL if there is a mirror".to_owned())
            }
            Self::ChecksumMismatch { .. } => Some(
                "the file was damaged or replaced: fetch it again from an index you trust".to_owned(),
            ),
            Self::RecordMismatch { .. } => Some(
                "if the copy in the cache is damaged, `mlpack cache verify` removes it and the next run fetches it again; else use another release".to_owned(),
            ),
            Self::Channel { .. } => Some(
                "check the name below `channels:`; CONDA_CHANNEL_ALIAS, CONDA_DEFAULT_CHANNELS and conda's .condarc set mirrors, as for conda itself".to_owned(),
            ),
            Self::Condarc { .. } => Some(
                "fix the file (conda reads it too), or set MLPACK_NO_CONDARC=1 to ignore it".to_owned(),
            ),
            Self::InvalidConda { .. } => {
                Some("ask the owner of the channel, or use another version or build".to_owned())
            }
            Self::PrefixTooLong { .. } => {
                Some("give the environment a shorter `name:` in the conda file".to_owned())
            }
        }
    }

    /// Wraps an I/O error with what was tried on which path.
    pub fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }
}
