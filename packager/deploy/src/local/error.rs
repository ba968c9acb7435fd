//! Errors of the local target: the Docker engine and what is in it.

/// Errors of the local target. The message is the fact; [`Error::hint`] is what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The engine is on another machine.
    #[error("the Docker engine at {host} is not on this machine")]
    RemoteEngine {
        /// The engine's address.
        host: String,
    },
    /// The engine does not have the image to deploy.
    #[error("{reference} is not in the Docker engine")]
    NotInEngine {
        /// The pinned reference.
        reference: String,
    },
    /// A container that mlpack did not create has the service's name.
    #[error("a container named `{name}` already exists and is not an mlpack service")]
    ForeignContainer {
        /// The name.
        name: String,
    },
    /// The front door of a service does not relay to another container.
    #[error("container `{name}` did not hand over to the new one")]
    NotHandedOver {
        /// The container.
        name: String,
    },
    /// The Docker engine refused or failed.
    #[error(transparent)]
    Engine(#[from] mlpack_engine::Error),
}

impl Error {
    /// Returns what the user can do about it, if there is something.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::RemoteEngine { .. } => {
                "unset DOCKER_HOST to use this machine's engine".to_owned()
            }
            Self::NotInEngine { .. } => {
                "load the image first with `--output docker:NAME`".to_owned()
            }
            Self::NotHandedOver { name } => format!(
                "`docker logs {name}` shows why; `mlpack model deploy --overwrite` replaces the service with a short pause"
            ),
            Self::ForeignContainer { name } => {
                format!("choose another service name, or delete it with `docker rm --force {name}`")
            }
            Self::Engine(mlpack_engine::Error::PortInUse { port }) => format!(
                "`ss -ltnp 'sport = :{port}'` shows who listens there; set another `port` in the deployment config, or leave it out to use a free one"
            ),
            Self::Engine(error) => return error.hint(),
        })
    }
}

impl From<Error> for crate::Error {
    fn from(error: Error) -> Self {
        Self::Target { hint: error.hint(), source: error.into() }
    }
}

impl From<mlpack_engine::Error> for crate::Error {
    fn from(error: mlpack_engine::Error) -> Self {
        Error::Engine(error).into()
    }
}
