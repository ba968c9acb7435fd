//! The deployer of the local target and what it talks to.

use std::time::Duration;

use mlpack_engine::Engine;

use super::error::Error;
use crate::Result;
use crate::config::LocalConfig;

/// Deploys to the Docker engine of this machine. A service is found by its container's labels;
/// there is no other record of it.
#[derive(Debug, Clone)]
pub struct LocalDeployer {
    pub(super) engine: Engine,
    pub(super) http: reqwest::Client,
    pub(super) config: LocalConfig,
}

impl LocalDeployer {
    /// Returns a deployer to `engine`. A TLS provider must be installed in the process: the HTTP
    /// client requires one, although it sends plain HTTP to the loopback address only.
    ///
    /// # Errors
    /// [`Error::RemoteEngine`] if the engine's loopback address is not this machine's.
    pub fn new(engine: Engine, config: LocalConfig) -> Result<Self> {
        if !engine.is_local() {
            return Err(Error::RemoteEngine { host: engine.host().to_owned() }.into());
        }
        // Requests to the loopback address never go through a proxy.
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| Error::HttpClient { reason: error.to_string() })?;
        Ok(Self { engine, http, config })
    }

    /// Sends `GET /` to the service on `port`; the reason if the answer is not 200.
    pub(super) async fn probe(&self, port: u16, limit: Duration) -> Result<(), String> {
        let answer = self.http.get(format!("http://127.0.0.1:{port}/")).timeout(limit).send().await;
        match answer {
            Ok(answer) if answer.status() == reqwest::StatusCode::OK => Ok(()),
            Ok(answer) => Err(format!("GET / returned {}", answer.status())),
            Err(error) if error.is_timeout() => Err("GET / timed out".to_owned()),
            // Docker's proxy accepts connections before the service does.
            Err(_) => Err("nothing listens on its port yet".to_owned()),
        }
    }
}
