//! The deployer of the local target and what it talks to.

use std::path::PathBuf;
use std::time::Duration;

use mlpack_engine::Engine;

use super::error::Error;
use crate::Result;
use crate::clients::client;
use crate::config::LocalConfig;

/// Deploys to the Docker engine of this machine. A service is found by its container's labels;
/// there is no other record of it.
#[derive(Debug, Clone)]
pub struct LocalDeployer {
    pub(super) engine: Engine,
    pub(super) http: reqwest::Client,
    pub(super) config: LocalConfig,
    /// Where relative paths of the configuration start.
    pub(super) folder: PathBuf,
}

impl LocalDeployer {
    /// Returns a deployer to `engine`. Relative paths of the configuration start at `folder`. A TLS provider must be
    /// installed in the process: the HTTP client requires one.
    ///
    /// # Errors
    /// [`Error::RemoteEngine`] if the engine's loopback address is not this machine's.
    pub fn new(engine: Engine, config: LocalConfig, folder: PathBuf) -> Result<Self> {
        if !engine.is_local() {
            return Err(Error::RemoteEngine { host: engine.host().to_owned() }.into());
        }
        let http = client()?;
        Ok(Self { engine, http, config, folder })
    }

    /// Sends `GET /` to a service; the reason if the answer is not 200. It needs no key.
    pub(super) async fn probe(
        &self,
        client: &reqwest::Client,
        base: &str,
        limit: Duration,
    ) -> Result<(), String> {
        let answer = client.get(format!("{base}/")).timeout(limit).send().await;
        match answer {
            Ok(answer) if answer.status() == reqwest::StatusCode::OK => Ok(()),
            Ok(answer) => Err(format!("GET / returned {}", answer.status())),
            Err(error) if error.is_timeout() => Err("GET / timed out".to_owned()),
            // Docker's proxy accepts connections before the service does.
            Err(_) => Err("nothing listens on its port yet".to_owned()),
        }
    }
}
