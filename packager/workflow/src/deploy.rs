//! Deploying: a configuration and an image become a service.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use mlpack_deploy::config::{LocalConfig, parse_document};
use mlpack_deploy::{Deployment, DeploymentConfig, LocalDeployer, ServiceName, Webservice};
use mlpack_oci::{Image, Location};

use crate::{Argument, Error, Result, Session};

/// A service to deploy.
#[derive(Debug, Clone)]
pub struct DeployRequest {
    /// Its name.
    pub name: String,
    /// The deployment configuration.
    pub config: Option<PathBuf>,
    /// The compute type, which wins over the configuration's.
    pub compute_type: Option<String>,
    /// The cluster.
    pub compute_target: Option<String>,
    /// The port, which wins over the configuration's.
    pub port: Option<u16>,
    /// Variables of the service.
    pub environment: BTreeMap<String, String>,
    /// Whether a service of that name is replaced.
    pub overwrite: bool,
    /// How long the service may take to become ready.
    pub timeout: Duration,
}

impl DeployRequest {
    /// A request with every choice at its default.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            config: None,
            compute_type: None,
            compute_target: None,
            port: None,
            environment: BTreeMap::new(),
            overwrite: false,
            timeout: Deployment::DEFAULT_TIMEOUT,
        }
    }
}

/// A deployment that its target accepts.
pub struct Plan {
    deployer: LocalDeployer,
    name: ServiceName,
    config: LocalConfig,
    environment: BTreeMap<String, String>,
    overwrite: bool,
    timeout: Duration,
}

impl Plan {
    /// Returns where the image must be for the target.
    pub fn image_location(&self) -> Location {
        Location::Engine { name: format!("{}:latest", self.name) }
    }
}

/// Reads the configuration and asks the target whether name and port are free.
///
/// # Errors
/// If the configuration is invalid or the target refuses.
pub fn plan(session: &Session, request: DeployRequest) -> Result<Plan> {
    let name: ServiceName = request.name.parse()?;
    let config = config(session, &request)?;
    let deployer = deployer(session)?;
    let DeployRequest { environment, overwrite, timeout, .. } = request;
    session.runtime.block_on(deployer.check(&name, &config, overwrite))?;
    Ok(Plan { deployer, name, config, environment, overwrite, timeout })
}

/// Gives the image to the target and waits until the service answers.
///
/// # Errors
/// If it does not.
pub fn execute(session: &Session, plan: Plan, image: &Image) -> Result<Webservice> {
    let image = session.put(image, &plan.image_location(), None)?;
    let Plan { deployer, name, config, environment, overwrite, timeout } = plan;
    let deployment = Deployment { name, image, config, environment, overwrite, timeout };
    Ok(session.runtime.block_on(deployer.deploy(&deployment, &*session.progress))?)
}

/// Warns if the base of a service must not run where it is deployed.
pub fn warn_azure_only(session: &Session, azure_only: bool) {
    if azure_only {
        session.reporter.warning(
            "the license of this base image allows it on Microsoft Azure services only; this deployment is elsewhere",
        );
    }
}

/// Returns the target whose services are managed.
///
/// # Errors
/// If it cannot be reached.
pub fn deployer(session: &Session) -> Result<LocalDeployer> {
    Ok(LocalDeployer::new(session.engine()?)?)
}

/// The deployment configuration with the flags on top; `local` by default.
fn config(session: &Session, request: &DeployRequest) -> Result<LocalConfig> {
    if request.compute_target.is_some() {
        return Err(Argument::ComputeTarget.into());
    }
    let (mut document, place) = match &request.config {
        Some(path) => {
            let path = session.cwd.join(path);
            let place = path.display().to_string();
            let text = std::fs::read_to_string(&path).map_err(Error::io("read", &place))?;
            (parse_document(&text, &place)?, place)
        }
        None => (serde_json::Map::new(), "the command line".to_owned()),
    };
    if let Some(kind) = &request.compute_type {
        document.insert("computeType".to_owned(), kind.clone().into());
    } else if request.config.is_none() {
        document.insert("computeType".to_owned(), "local".into());
    }
    if let Some(port) = request.port {
        document.insert("port".to_owned(), port.into());
    }
    Ok(DeploymentConfig::from_document(&document, &place)?.local()?.clone())
}
