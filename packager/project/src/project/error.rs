//! What can be wrong with the inputs of a project, each with the operands that explain it.

use std::io;
use std::path::{Path, PathBuf};

/// Result of this room.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Errors of reading a project. The message is the fact; [`Error::hint`] is the remedy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder could not be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A configuration that is not JSON or YAML, or has a key or value that is not valid.
    #[error(transparent)]
    Document(#[from] mlpack_documents::Error),
    /// A key without which nothing can be built.
    #[error("{}`{key}` is missing", path.as_ref().map(|path| format!("{}: ", path.display())).unwrap_or_default())]
    MissingKey {
        /// The configuration, if one was given.
        path: Option<PathBuf>,
        /// The key.
        key: &'static str,
        /// The flag that gives it too.
        flag: &'static str,
    },
    /// A model argument that cannot be read.
    #[error("`{found}` is not a model: {reason}")]
    ModelSpec {
        /// The argument.
        found: String,
        /// What is wrong.
        reason: String,
    },
    /// No file or folder at a model's path.
    #[error("model `{name}`: {} does not exist", path.display())]
    ModelMissing {
        /// The model's name.
        name: String,
        /// Where it should be.
        path: PathBuf,
    },
    /// A link whose target is outside the folder that is packed.
    #[error("{} is a link to {}, which is outside {}", link.display(), target.display(), root.display())]
    LinkLeaves {
        /// The link.
        link: PathBuf,
        /// Where it leads.
        target: PathBuf,
        /// The folder that is packed.
        root: PathBuf,
    },
    /// A link to nothing, or in a circle.
    #[error("{} is a link to {}, which does not exist", link.display(), target.display())]
    LinkBroken {
        /// The link.
        link: PathBuf,
        /// What it says.
        target: PathBuf,
    },
    /// A socket, pipe or device, or a name that is not UTF-8.
    #[error("{} cannot be packed: {reason}", path.display())]
    Unpackable {
        /// The entry.
        path: PathBuf,
        /// Why not.
        reason: &'static str,
    },
}

impl Error {
    pub(super) fn read(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Read { path, source }
    }

    /// What the user can do about it, where there is something.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Document(error) => error.hint(),
            Self::MissingKey { path, key, flag } => Some(match path {
                Some(_) => format!("add `{key}` to the file, or give {flag}"),
                None => format!("give {flag}, or a configuration with `{key}`"),
            }),
            Self::ModelSpec { .. } => Some(
                "write NAME=PATH or NAME:VERSION=PATH, as in `digits:3=outputs/digits.onnx`"
                    .to_owned(),
            ),
            Self::ModelMissing { path, .. } => {
                let text = path.file_name().unwrap_or_default().to_string_lossy();
                Some(match text.split_once(':') {
                    Some((name, version)) => format!(
                        "`{text}` reads like a registered model; say where its file or folder is: {name}:{version}=PATH"
                    ),
                    None => "check the path; it is relative to the working directory".to_owned(),
                })
            }
            Self::LinkLeaves { .. } => {
                Some("copy what the link leads to into the folder, or remove the link".to_owned())
            }
            Self::LinkBroken { .. } | Self::Unpackable { .. } => {
                Some("remove it from the folder".to_owned())
            }
            Self::Read { .. } => None,
        }
    }
}
