//! Errors of reading bases, planning and assembling.

use std::path::{Path, PathBuf};

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Errors of reading bases, planning and assembling.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An image could not be read or a layer could not be written.
    #[error(transparent)]
    Image(#[from] mlpack_oci::Error),
    /// The environment could not be installed.
    #[error(transparent)]
    Install(#[from] mlpack_install::Error),
    /// The project could not be read.
    #[error(transparent)]
    Project(#[from] crate::project::Error),
    /// A file of the catalogue or a policy is invalid.
    #[error("invalid {what} `{name}`: {reason}")]
    Data {
        /// `policy` or `base image`.
        what: &'static str,
        /// The file's name.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// No policy has that name.
    #[error("unknown policy `{found}`; known are {known}")]
    UnknownPolicy {
        /// As requested.
        found: String,
        /// The known names.
        known: String,
    },
    /// A template could not be filled.
    #[error(transparent)]
    Template(#[from] mlpack_documents::TemplateError),
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
    /// The base has no Python for the environment.
    #[error("the base image {base} has no Python interpreter on its PATH")]
    NoPython {
        /// The base.
        base: String,
    },
    /// The conda file requires another Python than the base has.
    #[error("{} requires `{wanted}`, but the base image has Python {found} at {interpreter}", file.display())]
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
    /// Conda packages need a new environment.
    #[error("{} lists conda packages, which cannot be installed into the base's Python: {}", file.display(), names.join(", "))]
    CondaOnBase {
        /// The conda file.
        file: PathBuf,
        /// Which ones.
        names: Vec<String>,
    },
    /// A new environment was requested without a conda file.
    #[error("`--environment new` requires a conda file")]
    NoCondaFile,
    /// The base's C library is unknown, and wheels depend on it.
    #[error("cannot find a GNU C library in the base image {base}")]
    NoGlibc {
        /// The base.
        base: String,
    },
    /// Images cannot be made for the base's architecture.
    #[error("the base image is for {found}; {limit}")]
    Architecture {
        /// As the base's config names it.
        found: String,
        /// Which architectures are supported, and by what.
        limit: String,
        /// What the user can do about it.
        hint: &'static str,
    },
    /// A model was modified while it was packaged.
    #[error("the model at `{path}` changed while it was packaged")]
    ModelChanged {
        /// Its path in the image.
        path: String,
    },
    /// The base has a link or a file where the layer of a registered model has folders.
    #[error(
        "the base image has a link or a file at or below /models, where the layer of model `{model}` has folders"
    )]
    ModelFolderTaken {
        /// `NAME:VERSION`.
        model: String,
    },
    /// Base layers and new ones together exceed the limit of runtimes.
    #[error("the image would have {found} layers; runtimes support at most {limit}")]
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

    /// Returns what the user can do about it, if there is something.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Image(error) => error.hint(),
            Self::Install(error) => error.hint(),
            Self::Project(error) => error.hint(),
            Self::UnknownPolicy { .. } => {
                Some("pass one with --policy; `mlpack bases` lists them".to_owned())
            }
            Self::NoPython { .. } => Some(
                "use a base image with Python on its PATH, such as one of `mlpack bases`, or set PATH in the base"
                    .to_owned(),
            ),
            Self::OtherPython { wanted, found, .. } => Some(format!(
                "use a base image whose Python matches `{wanted}`, write `python={found}` into the conda file, or use a new interpreter with `--environment new`"
            )),
            Self::CondaOnBase { .. } => Some(
                "omit `--environment base`, or list them under `pip:` if PyPI has them".to_owned(),
            ),
            Self::NoCondaFile => Some("pass one with --conda-file".to_owned()),
            Self::NoGlibc { .. } => Some(
                "use a base image of Ubuntu or Debian; images with musl (Alpine) or without a C library cannot load Python wheels"
                    .to_owned(),
            ),
            Self::Architecture { hint, .. } => Some((*hint).to_owned()),
            Self::ModelChanged { .. } => {
                Some("run the command again when the model is no longer written to".to_owned())
            }
            Self::ModelFolderTaken { model } => Some(format!(
                "download the model and pass it as a file: `-m {model}=PATH`, or use another base image"
            )),
            Self::TooManyLayers { .. } => Some(
                "flatten the base image, or put several small models into one folder".to_owned(),
            ),
            _ => None,
        }
    }
}
