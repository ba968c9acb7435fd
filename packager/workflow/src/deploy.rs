//! Deploying: a configuration and an image become a service.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use mlpack_deploy::config::{Scalar, parse_document, read_text};
use mlpack_deploy::{
    Connections, DEFAULT_TIMEOUT, Deployer, Deployment, DeploymentConfig, ServiceName, Webservice,
    deployer_for,
};
use mlpack_oci::{Image, Location};
use mlpack_project::check::ComputeTarget;

use crate::{Error, Result, Session};

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
            timeout: DEFAULT_TIMEOUT,
        }
    }
}

/// A deployment that its target accepts.
pub struct Plan {
    deployer: Box<dyn Deployer>,
    target: Option<ComputeTarget>,
    name: ServiceName,
    environment: BTreeMap<String, String>,
    overwrite: bool,
    timeout: Duration,
}

impl Plan {
    /// Returns where the target takes the image from.
    pub fn destination(&self) -> Location {
        self.deployer.destination(&self.name)
    }

    /// Returns the kind of target, for the checks of a project.
    pub fn compute_target(&self) -> Option<ComputeTarget> {
        self.target
    }
}

/// Reads the configuration and asks the target whether it accepts the service.
///
/// # Errors
/// If the configuration is invalid or the target refuses.
pub fn plan(session: &Session, request: DeployRequest) -> Result<Plan> {
    let name: ServiceName = request.name.parse()?;
    let config = config(session, &request)?;
    let deployer = connect(session, &config, request.compute_target.as_deref())?;
    let DeployRequest { environment, overwrite, timeout, .. } = request;
    session.runtime.block_on(deployer.check(&name, overwrite))?;
    let target = compute_target(&config);
    Ok(Plan { deployer, target, name, environment, overwrite, timeout })
}

/// Gives the image to the target and waits until the service answers.
///
/// # Errors
/// If it does not.
pub fn execute(session: &Session, plan: Plan, image: &Image) -> Result<Webservice> {
    let image = session.put(image, &plan.destination(), None)?;
    let Plan { deployer, name, environment, overwrite, timeout, .. } = plan;
    let deployment = Deployment { name, image, environment, overwrite, timeout };
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

/// Connects to the default target, whose services are managed.
///
/// # Errors
/// If it cannot be reached.
pub fn deployer(session: &Session) -> Result<Box<dyn Deployer>> {
    connect(session, &DeploymentConfig::default(), None)
}

fn connect(
    session: &Session,
    config: &DeploymentConfig,
    compute_target: Option<&str>,
) -> Result<Box<dyn Deployer>> {
    let connections =
        Connections { docker_host: session.docker_host.clone(), folder: session.cwd.clone() };
    Ok(session.runtime.block_on(deployer_for(config, compute_target, &connections))?)
}

/// Reads the deployment configuration, with the flags on top; `local` by default.
fn config(session: &Session, request: &DeployRequest) -> Result<DeploymentConfig> {
    let mut document = match &request.config {
        Some(path) => {
            let path = session.cwd.join(path);
            let place = path.display().to_string();
            let text = read_text(&path).map_err(Error::io("read", &place))?;
            parse_document(&text, &place)?
        }
        None => parse_document("{}", "the command line")?,
    };
    if let Some(kind) = &request.compute_type {
        document.set("computeType", Scalar::quoted(kind));
    } else if request.config.is_none() {
        document.set("computeType", Scalar::quoted("local"));
    }
    if let Some(port) = request.port {
        document.set("port", Scalar::plain(port.to_string()));
    }
    let (config, ignored) = DeploymentConfig::from_document(&document)?;
    session.ignored(&ignored)?;
    Ok(config)
}

fn compute_target(config: &DeploymentConfig) -> Option<ComputeTarget> {
    match config {
        DeploymentConfig::Local(_) => Some(ComputeTarget::Local),
        DeploymentConfig::Aci(_) => Some(ComputeTarget::Aci),
        DeploymentConfig::Aks(_) | DeploymentConfig::AksEndpoint(_) => Some(ComputeTarget::Aks),
        DeploymentConfig::Iot(_) => None,
    }
}
