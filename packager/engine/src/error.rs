//! Everything that can go wrong between mlpack and the Docker engine.

use std::io;
use std::path::PathBuf;

use mlpack_oci::Digest;

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Errors of talking to the Docker engine. The message is the fact; [`Error::hint`] is the remedy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Nobody listens where the engine should be.
    #[error("no Docker engine answers at {host}: {reason}")]
    NotRunning {
        /// Socket or address.
        host: String,
        /// The system's reason.
        reason: String,
    },
    /// The engine's socket is there, but this user may not open it.
    #[error("permission denied on the Docker socket {host}")]
    PermissionDenied {
        /// The socket.
        host: String,
    },
    /// `DOCKER_HOST` names a way to the engine that mlpack does not speak.
    #[error("`{host}` is not a way to a Docker engine that mlpack speaks")]
    UnsupportedHost {
        /// The value of `DOCKER_HOST`.
        host: String,
    },
    /// The engine has no image of that name or id.
    #[error("the Docker engine has no image `{name}`")]
    NoSuchImage {
        /// Name or id as asked.
        name: String,
    },
    /// A name that no image in the engine can have.
    #[error("`{name}` cannot name an image in the Docker engine: {reason}")]
    ImageName {
        /// The name as given.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// The engine has no container of that name or id.
    #[error("the Docker engine has no container `{name}`")]
    NoSuchContainer {
        /// Name or id as asked.
        name: String,
    },
    /// A container of that name exists already.
    #[error("a container named `{name}` exists already")]
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
    /// The engine took the image in, but under another id.
    #[error(
        "the Docker engine does not have the image {expected} after loading it; it said: {said}"
    )]
    NotLoaded {
        /// The id the image should have.
        expected: Digest,
        /// The engine's answer.
        said: String,
    },
    /// The engine answered with an error.
    #[error("the Docker engine refused to {action}: {message}")]
    Refused {
        /// What was asked for, as in `load the image`.
        action: String,
        /// The engine's words.
        message: String,
    },
    /// The conversation broke off.
    #[error("lost the Docker engine while it should {action}: {reason}")]
    Broken {
        /// What was asked for.
        action: String,
        /// What happened.
        reason: String,
    },
    /// A file of the cache could not be read or written.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The image itself could not be read.
    #[error(transparent)]
    Oci(#[from] mlpack_oci::Error),
}

impl Error {
    /// What the user can do about it, where there is something.
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::NotRunning { .. } => {
                "start it with `systemctl start docker` or `service docker start`; if it listens elsewhere, set DOCKER_HOST".to_owned()
            }
            Self::PermissionDenied { .. } => {
                "add your user to the group `docker` (`sudo usermod -aG docker $USER`, then log in again), or run the command with sudo".to_owned()
            }
            Self::UnsupportedHost { .. } => {
                "set DOCKER_HOST to unix:///PATH or tcp://HOST:PORT; for an engine behind ssh, forward its socket with `ssh -L`".to_owned()
            }
            Self::NoSuchImage { name } => {
                format!("`docker images` lists what it has; fetch it with `docker pull {name}` or give a registry reference instead")
            }
            Self::ImageName { .. } => {
                "use lower case letters, digits, `.`, `_`, `-` and `/`, and a tag after `:`, as in `team/service:1`".to_owned()
            }
            Self::NoSuchContainer { .. } => "`docker ps --all` lists the containers".to_owned(),
            Self::NameInUse { name } => {
                format!("choose another name, or remove it with `docker rm --force {name}`")
            }
            Self::PortInUse { port } => format!(
                "`ss -ltnp 'sport = :{port}'` shows who listens there; choose another port, or give none and a free one is taken"
            ),
            Self::NotLoaded { .. } => {
                "save the image with `--output docker-archive:FILE` and try `docker load -i FILE`".to_owned()
            }
            Self::Refused { message, .. } | Self::Broken { reason: message, .. }
                if message.contains("no space left on device") =>
            {
                "the engine's disk is full: `docker system df` shows what fills it, `docker image prune` frees some".to_owned()
            }
            Self::Refused { message, .. }
                if message.contains("executable file not found")
                    || message.contains("OCI runtime create failed") =>
            {
                "the image's command cannot be started: look with `mlpack inspect` at its entrypoint, user and platform".to_owned()
            }
            Self::Broken { .. } => {
                "look whether it still runs (`docker version`) and at its log (`journalctl -u docker`), then try again".to_owned()
            }
            Self::Io { source, .. } if source.kind() == io::ErrorKind::StorageFull => {
                "the disk is full: free some space, or set MLPACK_CACHE_DIR to a larger disk".to_owned()
            }
            Self::Oci(error) => return error.hint(),
            _ => return None,
        };
        Some(text)
    }

    /// Wraps an I/O error with what was tried on which path.
    pub(crate) fn io(
        action: &'static str,
        path: &std::path::Path,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }

    /// Brings what the client library reports to a fact of ours.
    pub(crate) fn from_client(action: &str, host: &str, error: &bollard::errors::Error) -> Self {
        use bollard::errors::Error as Client;
        let action = action.to_owned();
        match error {
            Client::DockerResponseServerError { message, .. } => match port_in_use(message) {
                Some(port) => Self::PortInUse { port },
                None => Self::Refused { action, message: message.trim().to_owned() },
            },
            Client::DockerStreamError { error } => {
                Self::Refused { action, message: error.trim().to_owned() }
            }
            Client::SocketNotFoundError(socket) => Self::NotRunning {
                host: socket.clone(),
                reason: "there is no such socket".to_owned(),
            },
            Client::UnsupportedURISchemeError { uri } => {
                Self::UnsupportedHost { host: uri.clone() }
            }
            other => Self::from_transport(action, host, other),
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

/// The port of the engine's two messages about a taken one: its own proxy could not bind it, or
/// another container has it.
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
    fn a_taken_port_is_read_out_of_the_engines_words() {
        let proxy = "driver failed programming external connectivity on endpoint web (0b1c): Error starting userland proxy: listen tcp4 127.0.0.1:6789: bind: address already in use";
        let other = "driver failed programming external connectivity on endpoint web (0b1c): Bind for 127.0.0.1:5001 failed: port is already allocated";
        assert_eq!(port_in_use(proxy), Some(6789));
        assert_eq!(port_in_use(other), Some(5001));
        assert_eq!(port_in_use("no such image"), None);
    }

    #[test]
    fn a_full_disk_has_its_own_hint() {
        let full = Error::Refused {
            action: "load the image".to_owned(),
            message: "write /x: no space left on device".to_owned(),
        };
        assert!(full.hint().unwrap().starts_with("the engine's disk is full"));
    }
}
