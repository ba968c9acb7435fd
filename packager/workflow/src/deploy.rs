//! Deploying: a configuration and an image become a service.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use mlpack_deploy::config::{Document, Scalar, Setting, compute_type, parse_document, read_text};
use mlpack_deploy::{
    Change, Connections, DEFAULT_TIMEOUT, Deployer, Deployment, DeploymentConfig, ImageFacts,
    Metadata, ServiceName, TargetOptions, Webservice, deployer_for,
};
use mlpack_oci::{Image, Location, PinnedReference};
use mlpack_project::check::ComputeTarget;

use crate::azure_config::azure_account;
use crate::placement::{facts, pinned, pull_login, stored_logins};
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
    /// Settings that win over the configuration's.
    pub settings: Vec<Setting>,
    /// Description, tags and properties.
    pub metadata: Metadata,
    /// Variables of the service.
    pub environment: BTreeMap<String, String>,
    /// Whether a service of that name is replaced.
    pub overwrite: bool,
    /// How long the service may take to become ready.
    pub timeout: Duration,
    /// How it is reached, and other choices that are not in the configuration.
    pub options: TargetOptions,
    /// Whether the target pulls the image with the login of this machine.
    pub pull_login: bool,
    /// Whether fields of objects that others manage are taken from them.
    pub force_conflicts: bool,
    /// Where the image is, or will be unless the target has its own place.
    pub image: Option<Location>,
}

impl DeployRequest {
    /// A request with every choice at its default.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            config: None,
            compute_type: None,
            compute_target: None,
            settings: Vec::new(),
            metadata: Metadata::default(),
            environment: BTreeMap::new(),
            overwrite: false,
            timeout: DEFAULT_TIMEOUT,
            options: TargetOptions::default(),
            pull_login: false,
            force_conflicts: false,
            image: None,
        }
    }
}

/// Which target has a service; this machine if nothing is named.
#[derive(Debug, Clone, Default)]
pub struct ServiceTarget {
    /// The compute type.
    pub compute_type: Option<String>,
    /// The cluster, which is a Kubernetes one unless the compute type says otherwise.
    pub compute_target: Option<String>,
    /// The namespace, of a Kubernetes cluster.
    pub namespace: Option<String>,
}

impl ServiceTarget {
    /// Returns the compute type.
    pub fn compute_type(&self) -> &str {
        let in_cluster = self.compute_target.is_some() || self.namespace.is_some();
        self.compute_type.as_deref().unwrap_or(if in_cluster { "aks" } else { "local" })
    }

    /// Returns its configuration, with everything else at its default.
    fn config(&self) -> Result<DeploymentConfig> {
        let mut document = parse_document("{}", "the command line")?;
        document.set(&["computeType"], Scalar::quoted(self.compute_type()));
        if let Some(namespace) = &self.namespace {
            document.set(&["namespace"], Scalar::quoted(namespace));
        }
        Ok(DeploymentConfig::from_document(&document)?.0)
    }
}

/// A deployment that its target accepts.
pub struct Plan {
    deployer: Box<dyn Deployer>,
    target: Option<ComputeTarget>,
    compute_type: &'static str,
    name: ServiceName,
    metadata: Metadata,
    environment: BTreeMap<String, String>,
    overwrite: bool,
    timeout: Duration,
    destination: Location,
}

impl Plan {
    /// Returns where the target takes the image from.
    pub fn destination(&self) -> &Location {
        &self.destination
    }

    /// Returns the deployment of an image.
    fn deployment(
        self,
        image: PinnedReference,
        facts: ImageFacts,
    ) -> (Box<dyn Deployer>, Deployment) {
        let Self { deployer, name, metadata, environment, overwrite, timeout, .. } = self;
        (deployer, Deployment { name, image, facts, environment, metadata, overwrite, timeout })
    }

    /// Returns the name of the service.
    pub fn name(&self) -> &ServiceName {
        &self.name
    }

    /// Returns the compute type.
    pub fn compute_type(&self) -> &'static str {
        self.compute_type
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
    let connections = Connections {
        options: request.options.clone(),
        force_conflicts: request.force_conflicts,
        pull_login: match (request.pull_login, &request.image) {
            (true, Some(location)) => pull_login(session, location)?,
            _ => None,
        },
        ..connections(session)?
    };
    let deployer = connect(session, &config, request.compute_target.as_deref(), &connections)?;
    let Some(destination) = deployer.destination(&name).or(request.image) else {
        return Err(Argument::NoRegistry { target: config.compute_type() }.into());
    };
    let DeployRequest { metadata, environment, overwrite, timeout, .. } = request;
    session.runtime.block_on(deployer.check(&name, overwrite))?;
    let (target, compute_type) = (compute_target(&config), config.compute_type());
    Ok(Plan {
        deployer,
        target,
        compute_type,
        name,
        metadata,
        environment,
        overwrite,
        timeout,
        destination,
    })
}

/// Returns what a deployment of an image would change. Nothing is sent that stays.
///
/// # Errors
/// If the configuration is invalid, or the target cannot be asked.
pub fn difference(
    session: &Session,
    mut request: DeployRequest,
    image: &Image,
) -> Result<Vec<Change>> {
    // What exists is compared, not refused.
    request.overwrite = true;
    let plan = plan(session, request)?;
    let reference = match &plan.destination {
        // The engine knows an image by its id.
        Location::Engine { name } => {
            PinnedReference { place: format!("docker:{name}"), digest: image.id.0 }
        }
        location => pinned(image, location),
    };
    let (deployer, deployment) = plan.deployment(reference, facts(image));
    Ok(session.runtime.block_on(deployer.difference(&deployment))?)
}

/// Gives the image to the target and waits until the service answers.
///
/// # Errors
/// If it does not.
pub fn execute(session: &Session, plan: Plan, image: &Image) -> Result<Webservice> {
    let reference = match &plan.destination {
        // It is there, and a registry may not let this machine push.
        location @ Location::Registry(_) => pinned(image, location),
        location => session.put(image, location, None)?,
    };
    let (deployer, deployment) = plan.deployment(reference, facts(image));
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

/// Connects to the target whose services are managed.
///
/// # Errors
/// If it cannot be reached.
pub fn deployer(session: &Session, target: &ServiceTarget) -> Result<Box<dyn Deployer>> {
    let connections = connections(session)?;
    connect(session, &target.config()?, target.compute_target.as_deref(), &connections)
}

/// Returns what a session knows of the ways to its targets.
pub(crate) fn connections(session: &Session) -> Result<Connections> {
    Ok(Connections {
        docker_host: session.docker_host.clone(),
        folder: session.cwd.clone(),
        kubeconfigs: session.kubeconfigs.clone(),
        logins: Some(Arc::new(stored_logins(session)?)),
        azure: azure_account(session)?,
        templates: session.templates.clone(),
        ..Connections::default()
    })
}

pub(crate) fn connect(
    session: &Session,
    config: &DeploymentConfig,
    compute_target: Option<&str>,
    connections: &Connections,
) -> Result<Box<dyn Deployer>> {
    Ok(session.runtime.block_on(deployer_for(config, compute_target, connections))?)
}

/// Reads the deployment configuration, with the flags on top; `local` by default.
pub(crate) fn config(session: &Session, request: &DeployRequest) -> Result<DeploymentConfig> {
    let mut document = match &request.config {
        Some(path) => read_config(session, path)?,
        None => parse_document("{}", "the command line")?,
    };
    if let Some(kind) = &request.compute_type {
        document.set(&["computeType"], Scalar::quoted(kind));
    } else if request.config.is_none() {
        // A cluster that is named is a Kubernetes one, as Azure ML's were.
        let kind = if request.compute_target.is_some() { "aks" } else { "local" };
        document.set(&["computeType"], Scalar::quoted(kind));
    }
    with_flags(session, document, &request.settings)
}

/// Reads a deployment configuration without checking its keys.
pub(crate) fn read_config(session: &Session, path: &Path) -> Result<Document> {
    let path = session.cwd.join(path);
    let place = path.display().to_string();
    let text = read_text(&path).map_err(Error::io("read", &place))?;
    Ok(parse_document(&text, &place)?)
}

/// Checks a configuration with flags on top.
pub(crate) fn with_flags(
    session: &Session,
    mut document: Document,
    settings: &[Setting],
) -> Result<DeploymentConfig> {
    let without_effect = DeploymentConfig::set_flags(&mut document, settings);
    if let Some(kind) = compute_type(&document) {
        for setting in without_effect {
            let flag = setting.spec.flag;
            session.reporter.warning(&format!("`--{flag}` has no effect on compute type `{kind}`"));
        }
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
