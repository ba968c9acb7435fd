//! Errors of workspaces.

use std::io;

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a workspace could not be read or changed. The message is the fact; [`Error::hint`] is what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A layout, or a document in it.
    #[error(transparent)]
    Oci(#[from] mlpack_oci::Error),
    /// A registry.
    #[error(transparent)]
    Registry(Box<mlpack_registry::Error>),
    /// A file of the workspace.
    #[error("cannot {action} {place}: {source}")]
    Io {
        /// What was tried, as in `read`.
        action: &'static str,
        /// The file.
        place: String,
        /// The system's reason.
        source: io::Error,
    },
    /// The workspace has no model of that name.
    #[error("workspace {workspace} has no model `{name}`{}", known(present))]
    UnknownModel {
        /// The workspace.
        workspace: String,
        /// As given.
        name: String,
        /// The models it has.
        present: Vec<String>,
    },
    /// The model has no such version or alias.
    #[error("model `{name}` has no {wanted}{}", known(present))]
    UnknownVersion {
        /// The model.
        name: String,
        /// `version 7` or `alias champion`.
        wanted: String,
        /// The versions or aliases it has.
        present: Vec<String>,
    },
    /// An existing property would change.
    #[error("property `{key}` of model `{id}` is `{before}` and cannot become `{after}`")]
    PropertyChanged {
        /// `NAME:VERSION`.
        id: String,
        /// The property.
        key: String,
        /// Its value.
        before: String,
        /// The value that was asked for.
        after: String,
    },
    /// A newer release of mlpack wrote it.
    #[error("{place} has format {found}; this release of mlpack reads format {supported}")]
    NewerFormat {
        /// The workspace or model.
        place: String,
        /// Its format.
        found: u32,
        /// The newest known format.
        supported: u32,
    },
    /// A manifest that is no model.
    #[error("{place} is not a registered model: {reason}")]
    NotAModel {
        /// The reference.
        place: String,
        /// What is wrong.
        reason: String,
    },
    /// Other processes change the same version again and again.
    #[error("other processes keep changing model `{name}` in {workspace}")]
    Contended {
        /// The model.
        name: String,
        /// The workspace.
        workspace: String,
    },
    /// Others are registering or packaging.
    #[error("workspace {workspace} is in use")]
    InUse {
        /// The workspace.
        workspace: String,
    },
}

impl Error {
    /// Returns what the user can do about it, where there is something.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Oci(error) => error.hint(),
            Self::Registry(error) => error.hint(),
            Self::Io { .. } | Self::NotAModel { .. } => None,
            Self::UnknownModel { .. } => Some(
                "run `mlpack model list` to see the models, or pass a file: `-m NAME=PATH`"
                    .to_owned(),
            ),
            Self::UnknownVersion { name, .. } => {
                Some(format!("run `mlpack model list -n {name}` to see its versions"))
            }
            Self::PropertyChanged { .. } => Some(
                "properties never change; register a new version, or use a tag instead".to_owned(),
            ),
            Self::NewerFormat { .. } => Some("use the newest release of mlpack".to_owned()),
            Self::Contended { .. } => Some("run the command again".to_owned()),
            Self::InUse { .. } => {
                Some("run the command again when no other mlpack writes to it".to_owned())
            }
        }
    }

    pub(crate) fn io(action: &'static str, place: impl ToString) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, place: place.to_string(), source }
    }
}

impl From<mlpack_registry::Error> for Error {
    fn from(error: mlpack_registry::Error) -> Self {
        Self::Registry(Box::new(error))
    }
}

fn known(present: &[String]) -> String {
    match present {
        [] => String::new(),
        present => format!("; it has {}", present.join(", ")),
    }
}
