//! Connecting to the engine over a Unix socket or TCP.

use std::net::IpAddr;
use std::time::Duration;

use bollard::{API_DEFAULT_VERSION, Docker};

use crate::{Error, Result};

/// The engine's address if `DOCKER_HOST` is not set.
const DEFAULT_HOST: &str = "unix:///var/run/docker.sock";
/// Time limit of an ordinary request, in seconds.
const REQUEST_SECONDS: u64 = 120;
/// Time limit of a request with a whole image: the client includes the upload.
const TRANSFER_TIME: Duration = Duration::from_secs(12 * 3600);

/// A connection to a Docker engine. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    pub(crate) docker: Docker,
    host: String,
}

impl Engine {
    /// Connects to `host`, the value of `DOCKER_HOST` if it is set, and negotiates the newest API version
    /// that both sides support.
    ///
    /// # Errors
    /// [`Error::NotRunning`], [`Error::PermissionDenied`] or [`Error::UnsupportedHost`].
    pub async fn connect(host: Option<&str>) -> Result<Self> {
        let host = host.filter(|host| !host.is_empty()).unwrap_or(DEFAULT_HOST);
        let docker = if host.starts_with("unix://") {
            Docker::connect_with_unix(host, REQUEST_SECONDS, API_DEFAULT_VERSION)
        } else if host.starts_with("tcp://") || host.starts_with("http://") {
            Docker::connect_with_http(host, REQUEST_SECONDS, API_DEFAULT_VERSION)
        } else {
            return Err(Error::UnsupportedHost { host: host.to_owned() });
        };
        let failed = |error| Error::from_client("report its version", host, &error);
        let docker = docker.map_err(failed)?.negotiate_version().await.map_err(failed)?;
        Ok(Self { docker, host: host.to_owned() })
    }

    /// Its address, as in `unix:///var/run/docker.sock`.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Returns whether its loopback address is this machine's, so that a service there can be reached.
    pub fn is_local(&self) -> bool {
        let Some((scheme, rest)) = self.host.split_once("://") else { return true };
        if scheme == "unix" {
            return true;
        }
        let authority = rest.split('/').next().unwrap_or(rest);
        let name = authority.rsplit_once(':').map_or(authority, |(name, _)| name);
        let name = name.trim_start_matches('[').trim_end_matches(']');
        name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    /// Returns a client with the time limit for requests that contain an image.
    pub(crate) fn for_transfer(&self) -> Docker {
        self.docker.clone().with_timeout(TRANSFER_TIME)
    }

    /// Converts an error of the client library.
    pub(crate) fn failed(&self, action: &str) -> impl Fn(bollard::errors::Error) -> Error {
        move |error| Error::from_client(action, &self.host, &error)
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("host", &self.host).finish_non_exhaustive()
    }
}

/// Returns whether the engine answered with status 404.
pub(crate) fn is_not_found(error: &bollard::errors::Error) -> bool {
    has_status(error, 404)
}

/// Returns whether the engine answered with this HTTP status.
pub(crate) fn has_status(error: &bollard::errors::Error, status: u16) -> bool {
    matches!(
        error,
        bollard::errors::Error::DockerResponseServerError { status_code, .. } if *status_code == status
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_missing_engine_and_an_unknown_scheme_are_different_errors() {
        let error = Engine::connect(Some("unix:///nonexistent/docker.sock")).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "cannot connect to Docker at /nonexistent/docker.sock: no such socket"
        );
        // Port 9 (discard) of loopback is closed on any machine a test runs on.
        let error = Engine::connect(Some("tcp://127.0.0.1:9")).await.unwrap_err();
        assert!(matches!(error, Error::NotRunning { .. }), "{error:?}");
        assert!(error.hint().unwrap().contains("systemctl start docker"));
        let error = Engine::connect(Some("ssh://host")).await.unwrap_err();
        assert_eq!(error.to_string(), "unsupported DOCKER_HOST `ssh://host`");
    }

    #[test]
    fn loopback_is_local_and_other_hosts_are_not() {
        let engine = |host: &str| Engine {
            docker: Docker::connect_with_http("tcp://127.0.0.1:9", 1, API_DEFAULT_VERSION).unwrap(),
            host: host.to_owned(),
        };
        for local in [
            "unix:///run/x.sock",
            "tcp://127.0.0.1:2375",
            "tcp://[::1]:2375",
            "tcp://localhost:2375/",
        ] {
            assert!(engine(local).is_local(), "{local}");
        }
        for remote in ["tcp://10.0.0.3:2375", "tcp://build.example:2375"] {
            assert!(!engine(remote).is_local(), "{remote}");
        }
    }
}
