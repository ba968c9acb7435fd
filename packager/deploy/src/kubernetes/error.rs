//! Errors of the Kubernetes target.

/// Errors of the Kubernetes target. The message is the fact; [`Error::hint`] is what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(super) enum Error {
    /// A Deployment that mlpack did not make has the service's name.
    #[error(
        "a Deployment named `{name}` already exists in namespace `{namespace}` and is not an mlpack service"
    )]
    ForeignDeployment { name: String, namespace: String },
    /// A service does not say what it was deployed with.
    #[error("the annotation {annotation} of Deployment/{name} cannot be read: {reason}")]
    Record { name: String, annotation: &'static str, reason: String },
    /// A question that the target has no answer for.
    #[error("{what} is not possible on Kubernetes")]
    Unsupported { what: &'static str, hint: &'static str },
    /// The cluster refused or failed.
    #[error(transparent)]
    Cluster(#[from] mlpack_cluster::Error),
}

impl Error {
    /// Returns what the user can do about it, if there is something.
    pub(super) fn hint(&self) -> Option<String> {
        Some(match self {
            Self::ForeignDeployment { name, namespace } => format!(
                "choose another service name, or delete it with `kubectl delete deployment {name} -n {namespace}`"
            ),
            Self::Record { .. } => "deploy the service again with `--overwrite`".to_owned(),
            Self::Unsupported { hint, .. } => (*hint).to_owned(),
            Self::Cluster(mlpack_cluster::Error::Conflict { .. }) => {
                "let its manager give the field up, or take it with `--force-conflicts`".to_owned()
            }
            Self::Cluster(error) => return error.hint(),
        })
    }
}

impl From<Error> for crate::Error {
    fn from(error: Error) -> Self {
        Self::Target { hint: error.hint(), source: error.into() }
    }
}

impl From<mlpack_cluster::Error> for crate::Error {
    fn from(error: mlpack_cluster::Error) -> Self {
        Error::Cluster(error).into()
    }
}
