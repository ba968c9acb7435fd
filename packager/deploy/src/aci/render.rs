//! Decides which container group a deployment needs. Pure: nothing is created here.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mlpack_oci::labels;
use serde_json::{Map, Value, json};

use super::record::{MAX_TAG, Record};
use crate::Result;
use crate::config::{AciConfig, DeploymentConfig};
use crate::front_door::{
    CERTIFICATE, FOLDER, FrontDoorSettings, KEY, KEYS, OPERATIONS_PORT, require,
};
use crate::placement_error::PlacementError;
use crate::rendering::{Rendered, Rendering};
use crate::service_keys::ServiceKeys;
use crate::tls::Tls;

/// The most tags of a resource.
const MAX_TAGS: usize = 50;
/// Characters that no name of a tag has.
const NOT_IN_TAGS: &[char] = &['<', '>', '%', '&', '\\', '?', '/'];

/// Returns the body of the request that creates the container group.
///
/// # Errors
/// [`PlacementError`], or [`Error::Key`](crate::Error::Key).
pub(crate) fn render(config: &AciConfig, rendering: &Rendering<'_>) -> Result<Rendered> {
    let reference = rendering.image_reference("Azure Container Instances")?;
    require(&rendering.deployment.facts.labels, &reference)?;
    rendering.refuse_other_options(&["--pull-identity", "--subnet"], "compute type `aci`")?;
    check(config, rendering)?;
    let location = config.location.as_deref().ok_or_else(|| PlacementError::Setting {
        reason: "`location` is missing: the Azure region of the container group".to_owned(),
        hint: "set `location` in the deployment config, or add `--location REGION`",
    })?;
    let (port, address_type) = (
        if config.ssl.is_some() { 443 } else { 80 },
        if rendering.options.subnet.is_some() { "Private" } else { "Public" },
    );
    let values = json!({
        "name": rendering.deployment.name.as_str(),
        "location": location,
        "tags": tags(config, rendering)?,
        "image": reference,
        "port": port,
        "operations_port": OPERATIONS_PORT,
        "variables": variables(config, rendering, port),
        "cpu": config.cpu,
        "memory": config.memory_in_gb,
        "folder": FOLDER,
        "files": files(config, rendering)?,
        "address_type": address_type,
        "dns_name_label": config.dns_name_label,
        "identity": rendering.options.pull_identity,
        "pull": pull(rendering),
        "subnet": rendering.options.subnet,
        "encryption": config.encryption,
    });
    let template = "aci/container-group.json.hbs";
    let mut document = rendering.document(template, "container-group.json".to_owned(), &values)?;
    // Keys, the certificate's key, variables and the registry's password are all in it.
    document.secret = true;
    let warnings = rendering.insights_warning(config.app_insights_enabled).into_iter().collect();
    Ok(Rendered { documents: vec![document], warnings })
}

/// Refuses what a container group cannot have.
fn check(config: &AciConfig, rendering: &Rendering<'_>) -> Result<(), PlacementError> {
    let refused = |reason: String, hint| Err(PlacementError::Setting { reason, hint });
    let architecture = &rendering.deployment.facts.architecture;
    if architecture != "amd64" {
        return refused(
            format!("the image is for {architecture}, and Azure Container Instances run amd64"),
            "package it with `--platform linux/amd64`",
        );
    }
    let subnet = rendering.options.subnet.as_deref();
    match (&config.network, subnet) {
        (Some(_), None) => refused(
            "`vnetName` and `subnetName` do not name the resource group of the network".to_owned(),
            "add `--subnet ID` with the subnet's resource id, as `az network vnet subnet show --query id` prints it",
        ),
        (Some(network), Some(id)) => {
            let end =
                format!("/virtualNetworks/{}/subnets/{}", network.vnet_name, network.subnet_name);
            match id.to_lowercase().ends_with(&end.to_lowercase()) {
                true => Ok(()),
                false => refused(
                    format!(
                        "`--subnet` is {id}, which is not subnet {} of {}",
                        network.subnet_name, network.vnet_name
                    ),
                    "name the same subnet in both, or leave the keys out",
                ),
            }
        }
        (None, _) => Ok(()),
    }?;
    match subnet.is_some() && config.dns_name_label.is_some() {
        true => refused(
            "`dnsNameLabel` is for a public address, and a container group in a subnet has a private one".to_owned(),
            "leave out `dnsNameLabel` or the subnet",
        ),
        false => Ok(()),
    }
}

/// Returns the tags of the group: the service's own, and what finds it again.
fn tags(
    config: &AciConfig,
    rendering: &Rendering<'_>,
) -> Result<BTreeMap<String, String>, PlacementError> {
    let deployment = rendering.deployment;
    let mut tags = deployment.metadata.tags.clone();
    let image = &deployment.image;
    for (name, text) in [
        (labels::SERVICE, deployment.name.to_string()),
        (labels::DIGEST, image.digest.to_string()),
        (labels::REFERENCE, image.place.clone()),
    ] {
        tags.insert(name.to_owned(), text);
    }
    for (label, text) in deployment.metadata.to_labels() {
        if label != labels::TAGS {
            tags.insert(label.to_owned(), text);
        }
    }
    let config = DeploymentConfig::Aci(config.clone());
    let has_login = rendering.pull_login.is_some();
    tags.extend(Record::new(&config, rendering.options, &deployment.facts, has_login).to_tags());
    let too_long = tags.iter().find(|(_, text)| text.chars().count() > MAX_TAG);
    let bad_name = tags.keys().find(|name| name.contains(NOT_IN_TAGS));
    let reason = match (too_long, bad_name) {
        (Some((name, _)), _) => format!("tag `{name}` is longer than {MAX_TAG} characters"),
        (None, Some(name)) => {
            format!("the name of tag `{name}` has a character that Azure refuses")
        }
        (None, None) if tags.len() > MAX_TAGS => {
            format!("the service has {} tags, and Azure allows {MAX_TAGS}", tags.len())
        }
        (None, None) => return Ok(tags),
    };
    let hint = "shorten it: descriptions, tags and properties become tags of the container group";
    Err(PlacementError::Setting { reason, hint })
}

/// Returns the variables of the container. What the user sets may be secret, and wins.
fn variables(config: &AciConfig, rendering: &Rendering<'_>, port: u16) -> Vec<Value> {
    let deployment = rendering.deployment;
    let mut all = FrontDoorSettings::from(config).variables();
    all.insert("SERVER_PORT".to_owned(), port.to_string());
    all.insert("SERVICE_NAME".to_owned(), deployment.name.to_string());
    if config.app_insights_enabled {
        all.insert("AML_APP_INSIGHTS_ENABLED".to_owned(), "true".to_owned());
    }
    all.retain(|name, _| !deployment.environment.contains_key(name));
    let plain = all.iter().map(|(name, text)| json!({ "name": name, "value": text }));
    let secure = deployment.environment.iter();
    let secure = secure.map(|(name, text)| json!({ "name": name, "secureValue": text }));
    plain.chain(secure).collect()
}

/// Returns the files of [`FOLDER`] in base64 by name; `None` without any.
fn files(config: &AciConfig, rendering: &Rendering<'_>) -> Result<Option<Value>> {
    let mut files = Map::new();
    let mut add = |name: &str, bytes: &[u8]| {
        files.insert(name.to_owned(), STANDARD.encode(bytes).into());
    };
    if config.auth_enabled {
        add(KEYS, ServiceKeys::of(&config.keys)?.to_lines().as_bytes());
    }
    if let Some(ssl) = &config.ssl {
        let tls = Tls::read(&ssl.certificate, &ssl.key, rendering.folder)?;
        add(CERTIFICATE, &tls.certificate);
        add(KEY, &tls.key);
    }
    Ok((!files.is_empty()).then_some(Value::Object(files)))
}

/// Returns the login of the image's registry: a managed identity, or a user and a password.
fn pull(rendering: &Rendering<'_>) -> Option<Value> {
    if let Some(identity) = &rendering.options.pull_identity {
        let server = rendering.deployment.image.place.split('/').next().unwrap_or_default();
        return Some(json!([{ "server": server, "identity": identity }]));
    }
    let login = rendering.pull_login?;
    let password = login.password.reveal();
    Some(json!([{ "server": login.server, "username": login.username, "password": password }]))
}
