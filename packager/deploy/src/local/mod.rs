//! The local target: a container in the Docker engine of this machine (docs/azureml-2019.md#6).

mod apply;
mod health;
mod render;
mod score;
mod services;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use mlpack_engine::Engine;
use mlpack_oci::PinnedReference;

pub use render::{port_of, render};
pub use score::Answer;

use crate::config::LocalConfig;
use crate::{Error, Result, ServiceName};

/// What shall be deployed.
#[derive(Clone)]
pub struct Deployment {
    /// Name of the service.
    pub name: ServiceName,
    /// The image, `docker:NAME@ID`; the engine has it already.
    pub image: PinnedReference,
    /// Settings of the local target.
    pub config: LocalConfig,
    /// Variables for the service. Their values may be secrets and are not printed.
    pub environment: BTreeMap<String, String>,
    /// Whether a running service of that name is replaced.
    pub overwrite: bool,
    /// How long it may take to answer.
    pub timeout: Duration,
}

impl Deployment {
    /// The 300 s that Azure ML's server gives init(), and 10 more (docs/azureml-2019.md#3.3).
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(310);
}

impl fmt::Debug for Deployment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deployment")
            .field("name", &self.name)
            .field("image", &self.image)
            .field("config", &self.config)
            .field("environment", &self.environment.keys())
            .field("overwrite", &self.overwrite)
            .field("timeout", &self.timeout)
            .finish()
    }
}

/// Deploys to the Docker engine of this machine, and looks after what is deployed there. A service
/// is found by its container's labels; there is no other record of it.
#[derive(Debug, Clone)]
pub struct LocalDeployer {
    engine: Engine,
    http: reqwest::Client,
}

impl LocalDeployer {
    /// Deploys to `engine`. A TLS provider must be installed in the process, although services
    /// here are asked over plain HTTP: the HTTP client wants one.
    ///
    /// # Errors
    /// [`Error::RemoteEngine`] if the engine's loopback address is not this machine's.
    pub fn new(engine: Engine) -> Result<Self> {
        if !engine.is_local() {
            return Err(Error::RemoteEngine { host: engine.host().to_owned() });
        }
        // Loopback is never asked by way of a proxy.
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| Error::HttpClient { reason: error.to_string() })?;
        Ok(Self { engine, http })
    }
}
