//! Errors of Azure Container Instances.

/// Errors of Azure Container Instances. The message is the fact; [`Error::hint`] is what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(super) enum Error {
    /// Nothing names the resource group.
    #[error("no Azure resource group is named")]
    NoResourceGroup,
    /// A container group that mlpack did not make has the service's name.
    #[error(
        "a container group named `{name}` already exists in resource group `{resource_group}` and is not an mlpack service"
    )]
    ForeignGroup { name: String, resource_group: String },
    /// A service does not say what it was deployed with.
    #[error("the tags of container group `{name}` cannot be read: {reason}")]
    Record { name: String, reason: String },
    /// The region does not have what is asked for.
    #[error("{reason}")]
    Region { reason: String, hint: String },
    /// Keys and variables are in a container that does not run.
    #[error("the {what} of service `{name}` cannot be read: {reason}")]
    Unreadable { name: String, what: &'static str, reason: String },
    /// A question that the target has no answer for.
    #[error("{what} is not possible on Azure Container Instances")]
    Unsupported { what: &'static str, hint: &'static str },
    /// Azure refused or failed.
    #[error(transparent)]
    Azure(#[from] mlpack_azure::Error),
}

impl Error {
    /// Returns what the user can do about it, if there is something.
    pub(super) fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoResourceGroup => {
                "name it with `-g NAME`, AZURE_DEFAULTS_GROUP, or `resource_group` in .azureml/config.json".to_owned()
            }
            Self::ForeignGroup { .. } => "choose another service name or resource group".to_owned(),
            Self::Record { .. } | Self::Unreadable { .. } => {
                "deploy the service again with `--overwrite`".to_owned()
            }
            Self::Region { hint, .. } => hint.clone(),
            Self::Unsupported { hint, .. } => (*hint).to_owned(),
            Self::Azure(error) => return error.hint(),
        })
    }
}

impl From<Error> for crate::Error {
    fn from(error: Error) -> Self {
        Self::Target { hint: error.hint(), source: error.into() }
    }
}

impl From<mlpack_azure::Error> for crate::Error {
    fn from(error: mlpack_azure::Error) -> Self {
        Error::Azure(error).into()
    }
}
