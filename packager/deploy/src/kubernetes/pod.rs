//! The pod of a service.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::Result;
use crate::config::AksConfig;
use crate::front_door::{
    CERTIFICATE, FOLDER, FrontDoorSettings, KEY, KEYS, OPERATIONS_PORT, port_of, require,
};
use crate::options::Exposure;
use crate::placement_error::PlacementError;
use crate::rendering::Rendering;

/// Time between a pod's end and the last request that a proxy of the cluster sends it, in seconds: Services are updated
/// within a few.
const SLEEP_SECONDS: u32 = 5;

/// What is left of the time limit when the last request has been answered, in seconds.
const MARGIN_SECONDS: u32 = 5;

/// Time between two questions whether a new pod has started, in seconds.
const STARTUP_PERIOD: u32 = 5;

/// Time between two questions whether a pod accepts requests, in seconds.
const READINESS_PERIOD: u32 = 5;

/// The user and group of a pod whose image names its user by a name: the cluster cannot see that it is not root.
const USER: u32 = 65532;

/// Where rows of `ModelDataCollector` go.
const MODEL_DATA: &str = "/var/mlpack/model-data";

/// Whether the front door serves TLS: what ends it elsewhere gets plain HTTP.
pub(super) fn front_door_has_tls(rendering: &Rendering<'_>) -> bool {
    let direct = matches!(rendering.options.exposure, Exposure::LoadBalancer | Exposure::ClusterIp);
    direct && rendering.options.tls_secret.is_some()
}

/// Names of the secrets that a pod uses.
#[derive(Debug, Default)]
pub(super) struct SecretNames {
    pub(super) keys: Option<String>,
    pub(super) variables: Option<String>,
    pub(super) pull: Option<String>,
}

/// Returns the values of `pod.yaml.hbs`. The container is called `container`.
///
/// # Errors
/// [`PlacementError`]
pub(super) fn values(
    config: &AksConfig,
    rendering: &Rendering<'_>,
    secrets: &SecretNames,
    selector: &Value,
    container: &str,
) -> Result<Value> {
    let probe = config.liveness_probe;
    if probe.success_threshold != 1 {
        return Err(PlacementError::Setting {
            reason: format!(
                "`livenessProbeRequirements.successThreshold` is {}, and Kubernetes allows only 1 for a liveness probe",
                probe.success_threshold
            ),
            hint: "set it to 1, or leave it out",
        }
        .into());
    }
    let image = &rendering.deployment.facts;
    let reference = rendering.image_reference("Kubernetes")?;
    require(&image.labels, &reference)?;
    let (user, group) = user(&image.user);
    let grace_ms = config.scoring_timeout_ms.max(1000);
    let model_data = config.data_collection.storage_enabled.then_some(MODEL_DATA);
    let tls = front_door_has_tls(rendering).then_some(rendering.options.tls_secret.as_deref());
    let tls = tls.flatten();
    Ok(json!({
        "termination_seconds": SLEEP_SECONDS + grace_ms.div_ceil(1000) + MARGIN_SECONDS,
        "sleep_seconds": SLEEP_SECONDS,
        "architecture": image.architecture,
        "gpus": (config.gpu_cores > 0).then_some(config.gpu_cores),
        "user": user,
        "group": group,
        "spread": ["kubernetes.io/hostname", "topology.kubernetes.io/zone"],
        "selector": selector,
        "pull_secret": secrets.pull,
        "container": container,
        "image": reference,
        "port": port_of(&image.labels)?,
        "operations_port": OPERATIONS_PORT,
        "variables_secret": secrets.variables,
        "variables": environment(config, rendering, tls.is_some(), model_data, grace_ms),
        "requests": requests(config),
        "limits": limits(config),
        "startup": {
            "period": STARTUP_PERIOD,
            "timeout": probe.timeout_seconds,
            "failures": probe.initial_delay_seconds.div_ceil(STARTUP_PERIOD),
        },
        "liveness": {
            "period": probe.period_seconds,
            "timeout": probe.timeout_seconds,
            "failures": probe.failure_threshold,
        },
        "readiness": {
            "period": READINESS_PERIOD,
            "timeout": probe.timeout_seconds,
            "failures": probe.failure_threshold,
        },
        "run_folder": FOLDER,
        "run_sources": run_sources(secrets.keys.as_deref(), tls),
        "model_data": model_data,
    }))
}

/// Returns the variables of the container. What the user sets is in a secret, and wins.
fn environment(
    config: &AksConfig,
    rendering: &Rendering<'_>,
    tls: bool,
    model_data: Option<&str>,
    grace_ms: u32,
) -> BTreeMap<String, String> {
    let mut all = FrontDoorSettings { tls, ..config.into() }.variables();
    let mut set = |name: &str, value: String| drop(all.insert(name.to_owned(), value));
    set("SERVICE_NAME", rendering.deployment.name.to_string());
    set("MLPACK_GRACE_MS", grace_ms.to_string());
    if config.app_insights_enabled {
        set("AML_APP_INSIGHTS_ENABLED", "true".to_owned());
    }
    if let Some(folder) = model_data {
        set("AML_MODEL_DC_STORAGE_ENABLED", "true".to_owned());
        set("MLPACK_MODEL_DATA_DIR", folder.to_owned());
    }
    all.retain(|name, _| !rendering.deployment.environment.contains_key(name));
    all
}

/// Returns the files of [`FOLDER`], whose names are those of the local target; `None` without any.
fn run_sources(keys: Option<&str>, tls: Option<&str>) -> Option<Value> {
    let source = |name: &str, files: &[&str]| {
        let items: Vec<Value> =
            files.iter().map(|file| json!({ "key": file, "path": file })).collect();
        json!({ "secret": { "name": name, "items": items } })
    };
    let keys = keys.map(|name| source(name, &[KEYS]));
    let tls = tls.map(|name| source(name, &[CERTIFICATE, KEY]));
    let sources: Vec<Value> = keys.into_iter().chain(tls).collect();
    (!sources.is_empty()).then(|| sources.into())
}

fn requests(config: &AksConfig) -> Value {
    json!({ "cpu": cores(config.cpu), "memory": memory(config.memory_in_gb) })
}

fn limits(config: &AksConfig) -> Option<Value> {
    let gpus = (config.gpu_cores > 0).then(|| config.gpu_cores.to_string());
    let all = [
        ("cpu", config.cpu_limit.map(cores)),
        ("memory", config.memory_in_gb_limit.map(memory)),
        ("nvidia.com/gpu", gpus),
    ];
    let given = all.into_iter().filter_map(|(key, text)| Some((key.to_owned(), text?.into())));
    let given: serde_json::Map<String, Value> = given.collect();
    (!given.is_empty()).then_some(Value::Object(given))
}

/// Returns cores as a quantity in thousandths, which is the finest that Kubernetes has.
fn cores(amount: f64) -> String {
    format!("{}m", (amount * 1000.0).ceil())
}

/// Returns gigabytes of 2^30 bytes as a quantity in MiB.
fn memory(gigabytes: f64) -> String {
    format!("{}Mi", (gigabytes * 1024.0).ceil())
}

/// Returns the numbers of an image's user and group, as in `65532:65532`.
fn user(text: &str) -> (u32, u32) {
    let (user, group) = text.split_once(':').unwrap_or((text, text));
    let number = |text: &str| text.parse().ok().filter(|id| *id != 0);
    let user = number(user).unwrap_or(USER);
    (user, number(group).unwrap_or(user))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_exact_or_rounded_up() {
        assert_eq!([cores(0.1), cores(2.0), cores(0.0004)], ["100m", "2000m", "1m"]);
        assert_eq!([memory(0.5), memory(1.3), memory(0.0001)], ["512Mi", "1332Mi", "1Mi"]);
    }

    #[test]
    fn no_pod_runs_as_root() {
        assert_eq!(user("65532:65532"), (65532, 65532));
        assert_eq!(user("1000"), (1000, 1000));
        assert_eq!(user("1000:0"), (1000, 1000));
        for root in ["", "0", "0:0", "root", "app:app"] {
            assert_eq!(user(root), (65532, 65532), "{root}");
        }
    }
}
