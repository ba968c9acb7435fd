//! What can go wrong between a project and its image.

use std::path::{Path, PathBuf};

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Errors of reading bases, planning and assembling.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An image could not be read or a layer not be written.
    #[error(transparent)]
    Image(#[from] mlpack_oci::Error),
    /// An environment cannot be installed.
    #[error(transparent)]
    Install(#[from] mlpack_install::Error),
    /// What the user gave could not be read.
    #[error(transparent)]
    Project(#[from] crate::project::Error),
    /// A file of the catalogue or a policy is wrong.
    #[error("{what} `{name}` is not valid: {reason}")]
    Data {
        /// `policy` or `base image`.
        what: &'static str,
        /// The file's name.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// No policy of that name.
    #[error("there is no policy `{found}`; known are {known}")]
    UnknownPolicy {
        /// As asked for.
        found: String,
        /// The names there are.
        known: String,
    },
    /// A template could not be filled.
    #[error("template `{name}` cannot be filled: {reason}")]
    Template {
        /// The template's file.
        name: String,
        /// What the engine said.
        reason: String,
    },
    /// A file of this machine could not be read or written.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// `read`, `create`.
        action: &'static str,
        /// The path.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The base has no Python that the environment could stand on.
    #[error("the base image {base} has no Python interpreter on its PATH")]
    NoPython {
        /// The base.
        base: String,
    },
    /// The conda file asks for another Python than the base has.
    #[error("{} asks for `{wanted}`, the base image has Python {found} at {interpreter}", file.display())]
    OtherPython {
        /// The conda file.
        file: PathBuf,
        /// Its spec.
        wanted: String,
        /// The version of the base's interpreter.
        found: String,
        /// Its path in the base.
        interpreter: String,
    },
    /// Conda packages need an environment of their own.
    #[error("{} asks for conda packages, which cannot join the base's interpreter: {}", file.display(), names.join(", "))]
    CondaOnBase {
        /// The conda file.
        file: PathBuf,
        /// Which ones.
        names: Vec<String>,
    },
    /// An interpreter of its own was asked for and nothing says which.
    #[error("there is no conda file that an environment of its own could be made of")]
    NoCondaFile,
    /// The base's C library could not be told, and wheels depend on it.
    #[error("the base image {base} has no GNU C library that could be read")]
    NoGlibc {
        /// The base.
        base: String,
    },
    /// Packages cannot be found for that machine.
    #[error("the base image is for {found}; packages are resolved for amd64 and arm64")]
    Architecture {
        /// As the base's config names it.
        found: String,
    },
    /// A model was written to while it was packaged.
    #[error("the model at `{path}` changed while it was packaged")]
    ModelChanged {
        /// Where it goes in the image.
        path: String,
    },
    /// Base layers and new ones together are more than runtimes mount.
    #[error("the image would have {found} layers; runtimes mount at most {limit}")]
    TooManyLayers {
        /// Base layers and new ones.
        found: usize,
        /// The limit.
        limit: usize,
    },
}

impl Error {
    /// Wraps an I/O error with what was tried on which path.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }

    /// What the user can do about it, where there is something.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Image(error) => error.hint(),
            Self::Install(error) => error.hint(),
            Self::Project(error) => error.hint(),
            Self::UnknownPolicy { .. } => {
                Some("name one with --policy; `mlpack bases` lists them".to_owned())
            }
            Self::NoPython { .. } => Some(
                "use a base image with Python on its PATH, for instance one of `mlpack bases`, or set PATH in the base"
                    .to_owned(),
            ),
            Self::OtherPython { wanted, found, .. } => Some(format!(
                "take a base image whose Python fits `{wanted}`, write `python={found}` into the conda file, or let the environment have its own with `--environment new`"
            )),
            Self::CondaOnBase { .. } => Some(
                "leave `--environment base` out, or list them below `pip:` if PyPI has them".to_owned(),
            ),
            Self::NoCondaFile => Some("name one with --conda-file".to_owned()),
            Self::NoGlibc { .. } => Some(
                "use a base image of Ubuntu or Debian; images with musl (Alpine) or without a C library cannot load Python wheels"
                    .to_owned(),
            ),
            Self::ModelChanged { .. } => {
                Some("run the command again once nobody writes to it".to_owned())
            }
            Self::TooManyLayers { .. } => Some(
                "flatten the base image, or put several small models into one folder".to_owned(),
            ),
            _ => None,
        }
    }
}
