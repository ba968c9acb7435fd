//! Errors of placing an image: what does not depend on the target's answers.

/// Errors of placing an image. The message is the fact; [`PlacementError::hint`] is what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlacementError {
    /// The image's label `org.mlpack.port` is not a port.
    #[error("the label org.mlpack.port of the image is `{found}`, not a port")]
    PortLabel {
        /// The label's value.
        found: String,
    },
    /// The image does not start the front door.
    #[error("{reference} was built without the front door, which keys, TLS and limits need")]
    NoFrontDoor {
        /// The pinned reference.
        reference: String,
    },
    /// The image is where the target cannot pull it.
    #[error("{reference} is not in a registry, from which {target} pulls images")]
    NotInRegistry {
        /// The pinned reference.
        reference: String,
        /// The target.
        target: &'static str,
    },
    /// The configuration asks for what the target does not have.
    #[error("{reason}")]
    Setting {
        /// The key, and what is wrong with it.
        reason: String,
        /// What to write instead.
        hint: &'static str,
    },
    /// A certificate or its key cannot be used.
    #[error("cannot use {path}: {reason}")]
    Tls {
        /// The file as the configuration names it.
        path: String,
        /// What is wrong.
        reason: String,
    },
    /// The target has no documents.
    #[error("there are no documents for {target}")]
    NotRendered {
        /// The compute type and form.
        target: String,
    },
    /// The HTTP client could not be created.
    #[error("cannot create an HTTP client: {reason}")]
    HttpClient {
        /// The client's reason.
        reason: String,
    },
    /// A template could not be filled.
    #[error(transparent)]
    Template(#[from] mlpack_documents::TemplateError),
    /// A document has no text.
    #[error("cannot write {file}: {reason}")]
    Unwritable {
        /// Name of its file.
        file: String,
        /// Why.
        reason: String,
    },
}

impl PlacementError {
    /// Refuses a flag that a target does not act on.
    pub(crate) fn without_meaning(flag: &str, target: &str) -> Self {
        Self::Setting {
            reason: format!("`{flag}` has no meaning for {target}"),
            hint: "leave it out; `mlpack deploy --help` says what each option is for",
        }
    }

    /// Returns what the user can do about it, if there is something.
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::NoFrontDoor { .. } => {
                "build it again with `mlpack package`, or omit these keys of the deployment config"
            }
            Self::NotInRegistry { .. } => {
                "push it with `mlpack push IMAGE REGISTRY/REPOSITORY:TAG`, and deploy that"
            }
            Self::Setting { hint, .. } => hint,
            Self::Tls { .. } => {
                "set sslCertificate and sslKey to PEM files of one certificate and its unencrypted key"
            }
            Self::NotRendered { .. } => {
                "documents are rendered for `aks` (plain, kustomize or kserve), `aci` and `iot` (plain)"
            }
            Self::PortLabel { .. }
            | Self::HttpClient { .. }
            | Self::Template(_)
            | Self::Unwritable { .. } => return None,
        };
        Some(text.to_owned())
    }
}

impl From<PlacementError> for crate::Error {
    fn from(error: PlacementError) -> Self {
        Self::Target { hint: error.hint(), source: error.into() }
    }
}
