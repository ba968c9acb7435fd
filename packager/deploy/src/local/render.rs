//! Decides which container a deployment needs. Pure: nothing is created here.

use std::collections::BTreeMap;

use mlpack_engine::{ContainerSpec, Limits, PublishedPort};
use mlpack_oci::labels;

use super::error::Error;
use super::files::SUCCESSOR;
use crate::config::{DeploymentConfig, LocalConfig};
use crate::front_door::{FrontDoorSettings, path, port_of, require};
use crate::{Deployment, Result, ServiceName};

/// Returns the container that runs `deployment`, whose image has `image_labels`.
///
/// # Errors
/// [`port_of`]'s, or [`Error::NotInEngine`] for a reference to another place.
pub fn render(
    deployment: &Deployment,
    config: &LocalConfig,
    image_labels: &BTreeMap<String, String>,
) -> Result<ContainerSpec> {
    let Deployment { name, image, environment, metadata, .. } = deployment;
    if !image.place.starts_with("docker:") {
        return Err(Error::NotInEngine { reference: image.to_string() }.into());
    }
    if config.needs_front_door() {
        require(image_labels, &image.to_string())?;
    }
    let container = port_of(image_labels)?;
    let config_json = serde_json::to_string(&DeploymentConfig::Local(config.clone()));
    let labels = [
        (labels::SERVICE, name.to_string()),
        (labels::CONFIG, config_json.unwrap_or_default()),
        (labels::DIGEST, image.digest.to_string()),
        (labels::REFERENCE, image.place.clone()),
        (labels::PORT, container.to_string()),
        // The Azure ML SDK finds its local services by these (docs/azureml-2019.md#6).
        ("amlIsService", "True".to_owned()),
        ("amlServiceName", name.to_string()),
    ];
    let names: Vec<&String> = environment.keys().collect();
    let names = (!names.is_empty()).then(|| serde_json::to_string(&names).unwrap_or_default());
    let names = names.map(|names| (labels::ENVIRONMENT, names));
    let labels = labels.into_iter().chain(metadata.to_labels()).chain(names);
    // The server uses it as the title of its swagger document (docs/azureml-2019.md#4.5).
    let mut env = BTreeMap::from([("SERVICE_NAME".to_owned(), name.to_string())]);
    if image_labels.contains_key(labels::FRONT_DOOR) {
        env.insert("MLPACK_SUCCESSOR_FILE".to_owned(), path(SUCCESSOR));
        env.extend(FrontDoorSettings::from(config).variables());
    }
    env.extend(environment.clone());
    Ok(ContainerSpec {
        name: container_name(name),
        image: image.digest.to_string(),
        env,
        labels: labels.map(|(key, value)| (key.to_owned(), value)).collect(),
        port: Some(PublishedPort { container, host: config.port }),
        limits: limits(config),
        ..ContainerSpec::default()
    })
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "more than any machine has is the greatest number"
)]
fn limits(config: &LocalConfig) -> Limits {
    let times = |amount: Option<f64>, unit: f64| amount.map(|amount| (amount * unit) as i64);
    Limits {
        nano_cpus: times(config.cpu, 1e9),
        memory: times(config.memory_in_gb, f64::from(1 << 30)),
    }
}

/// Returns the port that a rendered container serves on.
pub(super) fn inner_port(spec: &ContainerSpec) -> u16 {
    spec.port.map_or(labels::DEFAULT_PORT, |port| port.container)
}

/// Returns the container's name. It is the service's name (docs/azureml-2019.md#6), so that two
/// deployments of one name at the same time cannot both succeed.
pub(super) fn container_name(name: &ServiceName) -> String {
    name.to_string()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn config() -> LocalConfig {
        LocalConfig { port: Some(6789), ..LocalConfig::default() }
    }

    fn deployment() -> Deployment {
        let digest = format!("sha256:{}", "ab".repeat(32));
        Deployment {
            name: "digits".parse().unwrap(),
            image: format!("docker:team/digits@{digest}").parse().unwrap(),
            facts: crate::ImageFacts::default(),
            environment: BTreeMap::from([("A".to_owned(), "1".to_owned())]),
            metadata: crate::Metadata::default(),
            overwrite: false,
            timeout: Duration::from_secs(1),
        }
    }

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_deployment_is_rendered_as_a_container() {
        let digest = format!("sha256:{}", "ab".repeat(32));
        let expected = ContainerSpec {
            name: "digits".to_owned(),
            image: digest.clone(),
            env: map(&[("A", "1"), ("SERVICE_NAME", "digits")]),
            labels: map(&[
                ("amlIsService", "True"),
                ("amlServiceName", "digits"),
                ("org.mlpack.config", r#"{"computeType":"local","port":6789}"#),
                ("org.mlpack.digest", &digest),
                ("org.mlpack.environment", r#"["A"]"#),
                ("org.mlpack.port", "5001"),
                ("org.mlpack.reference", "docker:team/digits"),
                ("org.mlpack.service", "digits"),
            ]),
            port: Some(PublishedPort { container: 5001, host: Some(6789) }),
            ..ContainerSpec::default()
        };
        assert_eq!(render(&deployment(), &config(), &BTreeMap::new()).unwrap(), expected);
    }

    #[test]
    fn resources_are_limits_of_the_container() {
        let config = LocalConfig { cpu: Some(0.5), memory_in_gb: Some(1.5), ..config() };
        let spec = render(&deployment(), &config, &BTreeMap::new()).unwrap();
        let expected = Limits { nano_cpus: Some(500_000_000), memory: Some(3 << 29) };
        assert_eq!(spec.limits, expected);
    }

    #[test]
    fn the_port_is_a_label_of_the_image() {
        let spec = render(&deployment(), &config(), &map(&[("org.mlpack.port", "8080")])).unwrap();
        assert_eq!(spec.port.unwrap().container, 8080);
        assert_eq!(spec.labels["org.mlpack.port"], "8080");
        for bad in ["0", "http", "70000", ""] {
            let error =
                render(&deployment(), &config(), &map(&[("org.mlpack.port", bad)])).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("the label org.mlpack.port of the image is `{bad}`, not a port")
            );
        }
    }

    #[test]
    fn an_image_outside_the_engine_is_refused() {
        let mut elsewhere = deployment();
        elsewhere.image.place = "oci:dir".to_owned();
        let error = render(&elsewhere, &config(), &BTreeMap::new()).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("oci:dir@sha256:{} is not in the Docker engine", "ab".repeat(32))
        );
    }

    #[test]
    fn variables_of_the_user_take_precedence() {
        let mut named = deployment();
        named.environment = map(&[("SERVICE_NAME", "mine")]);
        assert_eq!(
            render(&named, &config(), &BTreeMap::new()).unwrap().env,
            map(&[("SERVICE_NAME", "mine")])
        );
    }
}
