//! Updating a service: another image or other settings at the same address.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use mlpack_deploy::config::{Scalar, Setting, parse_document};
use mlpack_deploy::{
    Current, Deployer, Deployment, DeploymentConfig, Metadata, ServiceName, Webservice,
};
use mlpack_oci::{Image, Location};

use serde_json::{Map, Value};

use crate::deploy::{ServiceTarget, connect, connections, read_config, with_flags};
use crate::placement::{facts, pinned};
use crate::{Argument, Result, Session, deploy};

/// What changes. What is not named stays.
#[derive(Debug, Clone)]
pub struct UpdateRequest {
    /// The service.
    pub name: String,
    /// The target that it is on.
    pub target: ServiceTarget,
    /// Where a new image goes unless the target has its own place.
    pub image: Option<Location>,
    /// The deployment configuration, which replaces the service's.
    pub config: Option<PathBuf>,
    /// Settings that win over the configuration's.
    pub settings: Vec<Setting>,
    /// The description, and tags and properties to add; a tag is replaced, a property is not.
    pub metadata: Metadata,
    /// Tags to remove.
    pub remove_tags: Vec<String>,
    /// Variables to add or replace.
    pub environment: BTreeMap<String, String>,
    /// How long the service may take to become ready.
    pub timeout: Duration,
}

/// An update that its target accepts.
pub struct UpdatePlan {
    deployer: Box<dyn Deployer>,
    name: ServiceName,
    current: Current,
    environment: BTreeMap<String, String>,
    metadata: Metadata,
    timeout: Duration,
    destination: Option<Location>,
    compute_type: &'static str,
}

impl UpdatePlan {
    /// Returns where the target takes a new image from.
    ///
    /// # Errors
    /// [`Argument::NoRegistry`]
    pub fn destination(&self) -> Result<&Location> {
        let target = self.compute_type;
        self.destination.as_ref().ok_or_else(|| Argument::NoRegistry { target }.into())
    }
}

/// Reads what the service is now, and what it becomes.
///
/// # Errors
/// If there is no such service, or if what changes must not: the compute type, the port, or a property.
pub fn plan(session: &Session, request: UpdateRequest) -> Result<UpdatePlan> {
    let name: ServiceName = request.name.parse()?;
    let deployer = deploy::deployer(session, &request.target)?;
    let current = session.runtime.block_on(deployer.current(&name))?;
    let place = format!("the configuration of service {name}");
    let was = DeploymentConfig::from_document(&parse_document(&current.configuration, &place)?)?.0;
    let document = match &request.config {
        Some(path) => read_config(session, path)?,
        None => {
            parse_document(&without_other_scale(&current.configuration, &request.settings), &place)?
        }
    };
    let mut document = document;
    if let Some(namespace) = &request.target.namespace {
        document.set(&["namespace"], Scalar::quoted(namespace));
    }
    let config = with_flags(session, document, &request.settings)?;
    same_address(&was, &config)?;
    let Metadata { description, tags, properties } = request.metadata;
    let mut metadata = current.metadata.clone();
    metadata.description = description.or(metadata.description);
    metadata.tags.extend(tags);
    metadata.tags.retain(|tag, _| !request.remove_tags.contains(tag));
    for (key, value) in properties {
        let before = metadata.properties.insert(key.clone(), value.clone());
        if let Some(before) = before.filter(|before| *before != value) {
            return Err(refused(
                format!(
                    "property `{key}` of service `{name}` is `{before}` and cannot become `{value}`"
                ),
                "properties never change; use a tag instead",
            ));
        }
    }
    let mut environment = current.environment.clone();
    environment.extend(request.environment);
    let target = request.target.compute_target.as_deref();
    let deployer = connect(session, &config, target, &connections(session)?)?;
    let destination = deployer.destination(&name).or(request.image);
    Ok(UpdatePlan {
        deployer,
        name,
        current,
        environment,
        metadata,
        timeout: request.timeout,
        destination,
        compute_type: config.compute_type(),
    })
}

/// Replaces what answers for the service; with the image that it has if there is no other.
///
/// # Errors
/// If the new one does not answer; the service then goes on as it was.
pub fn execute(session: &Session, plan: UpdatePlan, image: Option<&Image>) -> Result<Webservice> {
    let (image, facts) = match image {
        Some(image) => {
            let reference = match plan.destination()? {
                location @ Location::Registry(_) => pinned(image, location),
                location => session.put(image, location, None)?,
            };
            (reference, facts(image))
        }
        None => (plan.current.image, plan.current.facts),
    };
    let UpdatePlan { deployer, name, environment, metadata, timeout, .. } = plan;
    let deployment =
        Deployment { name, image, facts, environment, metadata, overwrite: true, timeout };
    Ok(session.runtime.block_on(deployer.update(&deployment, &*session.progress))?)
}

/// Leaves the number of containers out of a configuration if settings decide it in the other way.
fn without_other_scale(configuration: &str, settings: &[Setting]) -> String {
    let Ok(mut fields) = serde_json::from_str::<Map<String, Value>>(configuration) else {
        return configuration.to_owned();
    };
    for Setting { spec, text } in settings {
        let (flag, is_off) = (spec.flag, text.eq_ignore_ascii_case("false"));
        if flag == "num-replicas" || (flag == "autoscale-enabled" && is_off) {
            fields.remove("autoScaler");
        } else if flag.starts_with("autoscale-") {
            fields.remove("numReplicas");
        }
    }
    Value::Object(fields).to_string()
}

/// Refuses what an update cannot change: clients know the address.
fn same_address(was: &DeploymentConfig, config: &DeploymentConfig) -> Result<()> {
    let hint = "deploy it again with `mlpack model deploy --overwrite`";
    let (before, after) = (was.compute_type(), config.compute_type());
    if before != after {
        let message = format!("an update cannot change the compute type from {before} to {after}");
        return Err(refused(message, hint));
    }
    if let (DeploymentConfig::Local(was), DeploymentConfig::Local(config)) = (was, config)
        && config.port.is_some()
        && was.port != config.port
    {
        return Err(refused("an update cannot change the port".to_owned(), hint));
    }
    Ok(())
}

fn refused(message: String, hint: &str) -> crate::Error {
    Argument::Model { message, hint: hint.to_owned() }.into()
}
