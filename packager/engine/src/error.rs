//! Errors of talking to the Docker engine.

use std::io;
use std::path::Path;

use mlpack_oci::{Digest, IoError};

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Errors of talking to the Docker engine. The message is the fact; [`Error::hint`] is what
/// to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No engine listens at the address.
    #[error("cannot connect to Docker at {host}: {reason}")]
    NotRunning {
        /// Socket or address.
        host: String,
        /// The system's reason.
        reason: String,
    },
    /// The user may not open the engine's socket.
    #[error("permission denied on the Docker socket {host}")]
    PermissionDenied {
        /// The socket.
        host: String,
    },
    /// `DOCKER_HOST` has a scheme that mlpack does not support.
    #[error("unsupported DOCKER_HOST `{host}`")]
    UnsupportedHost {
        /// The value of `DOCKER_HOST`.
        host: String,
    },
    /// The engine has no image of that name or id.
    #[error("the Docker engine has no image `{name}`")]
    NoSuchImage {
        /// Name or id.
        name: String,
    },
    /// Not a valid name of an image in the engine.
    #[error("invalid Docker image name `{name}`: {reason}")]
    ImageName {
        /// The name as given.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// The engine has no container of that name or id.
    #[error("the Docker engine has no container `{name}`")]
    NoSuchContainer {
        /// Name or id.
        name: String,
    },
    /// A container of that name exists.
    #[error("a container named `{name}` already exists")]
    NameInUse {
        /// The container's name.
        name: String,
    },
    /// Another process or container listens on the port.
    #[error("port {port} of this machine is in use")]
    PortInUse {
        /// The TCP port.
        port: u16,
    },
    /// The engine loaded the image, but under another id.
    #[error("the Docker engine does not have the image {expected} after loading it: {said}")]
    NotLoaded {
        /// The id the image should have.
        expected: Digest,
        /// The engine's answer.
        said: String,
    },
    /// The engine answered with an error.
    #[error("the Docker engine refused to {action}: {message}")]
    Refused {
        /// What was tried, as in `load the image`.
        action: String,
        /// The engine's reason.
        message: String,
    },
    /// The engine's disk is full.
    #[error("the Docker engine refused to {action}: {message}")]
    DiskFull {
        /// What was tried.
        action: String,
        /// The engine's reason.
        message: String,
    },
    /// The image's command could not be started.
    #[error("the Docker engine refused to {action}: {message}")]
    CannotStart {
        /// What was tried.
        action: String,
        /// The engine's reason.
        message: String,
    },
    /// The connection was lost.
    #[error("lost connection to Docker while trying to {action}: {reason}")]
    Broken {
        /// What was tried.
        action: String,
        /// What happened.
        reason: String,
    },
    /// A file of the cache could not be read or written.
    #[error(transparent)]
    Io(#[from] IoError),
    /// The image itself could not be read.
    #[error(transparent)]
    Oci(#[from] mlpack_oci::Error),
}

impl Error {
    /// Returns what the user can do about it, if there is something.
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::NotRunning { .. } => {
                "start Docker with `systemctl start docker` or `service docker start`; if it listens at another address, set DOCKER_HOST".to_owned()
            }
            Self::PermissionDenied { .. } => {
                "add your user to the group `docker` (`sudo usermod -aG docker $USER`, then log in again), or run the command with sudo".to_owned()
            }
            Self::UnsupportedHost { .. } => {
                "set DOCKER_HOST to unix:///PATH or tcp://HOST:PORT; for an engine reached by ssh, forward its socket with `ssh -L`".to_owned()
            }
            Self::NoSuchImage { name } => {
                format!("`docker images` lists its images; fetch this one with `docker pull {name}` or give a registry reference instead")
            }
            Self::ImageName { .. } => {
                "use lower-case letters, digits, `.`, `_`, `-` and `/`, and a tag after `:`, as in `team/service:1`".to_owned()
            }
            Self::NoSuchContainer { .. } => "`docker ps --all` lists the containers".to_owned(),
            Self::NameInUse { name } => {
                format!("choose another name, or delete it with `docker rm --force {name}`")
            }
            Self::PortInUse { port } => format!(
                "`ss -ltnp 'sport = :{port}'` shows who listens there; choose another port, or leave it out to use a free one"
            ),
            Self::NotLoaded { .. } => {
                "save the image with `--output docker-archive:FILE` and try `docker load -i FILE`".to_owned()
            }
            Self::DiskFull { .. } => {
                "the engine's disk is full: `docker system df` shows its use, `docker image prune` frees some".to_owned()
            }
            Self::CannotStart { .. } => {
                "the image's command cannot be started: check its entrypoint, user and platform with `mlpack inspect`".to_owned()
            }
            Self::Broken { .. } => {
                "check that Docker is running (`docker version`) and its log (`journalctl -u docker`), then try again".to_owned()
            }
            Self::Io(error) => return error.hint(),
            Self::Oci(error) => return error.hint(),
            Self::Refused { .. } => return None,
        };
        Some(text)
    }

    /// Returns a function that wraps an I/O error with what was tried on which path.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        IoError::at(action, path)
    }

    /// Converts an error of the client library.
    pub(crate) fn from_client(action: &str, host: &str, error: &bollard::errors::Error) -> Self {
        use bollard::errors::Error as Client;
        let action = action.to_owned();
        match error {
            Client::DockerResponseServerError { message, .. } => match port_in_use(message) {
                Some(port) => Self::PortInUse { port },
                None => Self::refused(action, message),
            },
            Client::DockerStreamError { error } => Self::refused(action, error),
            Client::SocketNotFoundError(socket) => {
                Self::NotRunning { host: socket.clone(), reason: "no such socket".to_owned() }
            }
            Client::UnsupportedURISchemeError { uri } => {
                Self::UnsupportedHost { host: uri.clone() }
            }
            other => Self::from_transport(action, host, other),
        }
    }

    /// Classifies a refusal by the engine's message; the engine has no codes for these.
    fn refused(action: String, message: &str) -> Self {
        let message = message.trim().to_owned();
        if message.contains("no space left on device") {
            Self::DiskFull { action, message }
        } else if message.contains("executable file not found")
            || message.contains("OCI runtime create failed")
        {
            Self::CannotStart { action, message }
        } else {
            Self::Refused { action, message }
        }
    }

    fn from_transport(action: String, host: &str, error: &bollard::errors::Error) -> Self {
        let connecting = matches!(
            error,
            bollard::errors::Error::HyperLegacyError { err } if err.is_connect()
        );
        match io_cause(error) {
            Some(cause) if connecting && cause.kind() == io::ErrorKind::PermissionDenied => {
                Self::PermissionDenied { host: host.to_owned() }
            }
            Some(cause) if connecting => {
                Self::NotRunning { host: host.to_owned(), reason: cause.to_string() }
            }
            _ if connecting => {
                Self::NotRunning { host: host.to_owned(), reason: last_cause(error) }
            }
            _ => Self::Broken { action, reason: last_cause(error) },
        }
    }
}

fn io_cause<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a io::Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(io) = error.downcast_ref::<io::Error>() {
            return Some(io);
        }
        next = error.source();
    }
    None
}

fn last_cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}

/// Parses the port out of the engine's two messages about a port in use: its proxy could not bind it,
/// or another container has it.
fn port_in_use(message: &str) -> Option<u16> {
    let address = if message.contains("address already in use") {
        let (_, rest) = message.split_once("listen tcp")?;
        rest.split_whitespace().find(|word| word.contains(':'))?
    } else if message.contains("port is already allocated") {
        let (_, rest) = message.split_once("Bind for ")?;
        rest.split_whitespace().next()?
    } else {
        return None;
    };
    address.trim_end_matches(':').rsplit_once(':')?.1.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_in_use_is_parsed_from_the_message() {
        let proxy = "driver failed programming external connectivity on endpoint web (0b1c): Error starting userland proxy: listen tcp4 127.0.0.1:6789: bind: address already in use";
        let other = "driver failed programming external connectivity on endpoint web (0b1c): Bind for 127.0.0.1:5001 failed: port is already allocated";
        assert_eq!(port_in_use(proxy), Some(6789));
        assert_eq!(port_in_use(other), Some(5001));
        assert_eq!(port_in_use("no such image"), None);
    }

    #[test]
    fn refusals_are_classified_by_their_message() {
        let refused = |message: &str| Error::refused("load the image".to_owned(), message);
        assert!(matches!(refused("write /x: no space left on device\n"), Error::DiskFull { .. }));
        assert!(matches!(refused("OCI runtime create failed: x"), Error::CannotStart { .. }));
        assert!(matches!(refused("no"), Error::Refused { .. }));
    }
}
