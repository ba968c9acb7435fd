//! Settings of Azure Kubernetes Service (docs/azureml-2019.md#3.3).

use mlpack_documents::Fields;
use serde::Serialize;

use super::aci::{DNS_LABEL, is_dns_label};
use super::fields::{boolean, count, text};
use super::keys::Keys;
use super::scale::{Scale, scale};
use crate::Result;

pub(super) const KEYS: &[&str] = &[
    "computeType",
    "autoScaler",
    "numReplicas",
    "dataCollection",
    "authEnabled",
    "tokenAuthEnabled",
    "appInsightsEnabled",
    "containerResourceRequirements",
    "gpuCores",
    "scoringTimeoutMs",
    "maxConcurrentRequestsPerContainer",
    "maxQueueWaitMs",
    "keys",
    "livenessProbeRequirements",
    "namespace",
    "computeTargetName",
];

/// A deployment on Azure Kubernetes Service. Serialised as a configuration, without the keys.
#[derive(Debug, Clone, PartialEq)]
pub struct AksConfig {
    /// How many replicas.
    pub scale: Scale,
    /// What is collected from the model.
    pub data_collection: DataCollection,
    /// Whether a request needs a key. On by default here.
    pub auth_enabled: bool,
    /// Whether a request needs a token.
    pub token_auth_enabled: bool,
    /// Whether Application Insights gets the log.
    pub app_insights_enabled: bool,
    /// Cores requested.
    pub cpu: f64,
    /// Memory requested, in gigabytes.
    pub memory_in_gb: f64,
    /// Most cores.
    pub cpu_limit: Option<f64>,
    /// Most memory, in gigabytes.
    pub memory_in_gb_limit: Option<f64>,
    /// GPUs.
    pub gpu_cores: u32,
    /// Time limit of one request, in milliseconds.
    pub scoring_timeout_ms: u32,
    /// Requests one container takes at once.
    pub max_concurrent_requests_per_container: u32,
    /// How long a request waits for a container, in milliseconds.
    pub max_queue_wait_ms: u32,
    /// Keys of the service.
    pub keys: Keys,
    /// How its health is asked for.
    pub liveness_probe: LivenessProbe,
    /// Kubernetes namespace; the workspace's if it is not given.
    pub namespace: Option<String>,
    /// Name of the cluster in the workspace.
    pub compute_target_name: Option<String>,
}

/// What is collected from the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DataCollection {
    /// Whether inputs and predictions go to storage.
    pub storage_enabled: bool,
}

/// How Kubernetes asks for a container's health; times in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LivenessProbe {
    /// Before the first question: 300 s for init() and 10 more.
    pub initial_delay_seconds: u32,
    /// Between questions.
    pub period_seconds: u32,
    /// For an answer. 2 as in later SDKs; 1 in the one of May 2019.
    pub timeout_seconds: u32,
    /// Good answers until it counts as alive.
    pub success_threshold: u32,
    /// Bad answers until it is restarted.
    pub failure_threshold: u32,
}

impl AksConfig {
    pub(super) fn read(fields: &Fields<'_>) -> Result<Self> {
        let token_auth_enabled = boolean(fields, "tokenAuthEnabled")?.unwrap_or(false);
        // On by default, unless tokens take its place.
        let auth_enabled = boolean(fields, "authEnabled")?.unwrap_or(!token_auth_enabled);
        if auth_enabled && token_auth_enabled {
            return Err(fields
                .conflict("authEnabled", "`authEnabled` and `tokenAuthEnabled` exclude each other")
                .into());
        }
        let namespace = text(fields, "namespace")?;
        if namespace.as_deref().is_some_and(|name| !is_dns_label(name)) {
            return Err(fields.invalid("namespace", DNS_LABEL).into());
        }
        let collection = fields.mapping("dataCollection", &["storageEnabled"])?;
        let collected = collection.map(|collection| boolean(&collection, "storageEnabled"));
        let Resources { cpu, memory_in_gb, cpu_limit, memory_in_gb_limit } = resources(fields)?;
        Ok(Self {
            scale: scale(fields)?,
            data_collection: DataCollection {
                storage_enabled: collected.transpose()?.flatten().unwrap_or(false),
            },
            auth_enabled,
            token_auth_enabled,
            app_insights_enabled: boolean(fields, "appInsightsEnabled")?.unwrap_or(false),
            cpu,
            memory_in_gb,
            cpu_limit,
            memory_in_gb_limit,
            gpu_cores: fields.whole("gpuCores", 0..=u32::MAX)?.unwrap_or(0),
            scoring_timeout_ms: count(fields, "scoringTimeoutMs", 60_000)?,
            max_concurrent_requests_per_container: count(
                fields,
                "maxConcurrentRequestsPerContainer",
                1,
            )?,
            max_queue_wait_ms: count(fields, "maxQueueWaitMs", 500)?,
            keys: Keys::read(fields, auth_enabled)?,
            liveness_probe: liveness_probe(fields)?,
            namespace,
            compute_target_name: text(fields, "computeTargetName")?,
        })
    }
}

struct Resources {
    cpu: f64,
    memory_in_gb: f64,
    cpu_limit: Option<f64>,
    memory_in_gb_limit: Option<f64>,
}

fn resources(fields: &Fields<'_>) -> Result<Resources> {
    let known = ["cpu", "memoryInGB", "cpuLimit", "memoryInGBLimit"];
    let given = fields.mapping("containerResourceRequirements", &known)?;
    let amount = |key| given.as_ref().map_or(Ok(None), |given| given.positive(key));
    let read = Resources {
        cpu: amount("cpu")?.unwrap_or(0.1),
        memory_in_gb: amount("memoryInGB")?.unwrap_or(0.5),
        cpu_limit: amount("cpuLimit")?,
        memory_in_gb_limit: amount("memoryInGBLimit")?,
    };
    for (key, wanted, limit) in [
        ("cpu", read.cpu, read.cpu_limit),
        ("memoryInGB", read.memory_in_gb, read.memory_in_gb_limit),
    ] {
        if let Some(limit) = limit.filter(|limit| *limit < wanted) {
            let reason = format!(
                "`containerResourceRequirements.{key}Limit` ({limit}) is below `containerResourceRequirements.{key}` ({wanted})"
            );
            return Err(fields.conflict("containerResourceRequirements", reason).into());
        }
    }
    Ok(read)
}

fn liveness_probe(fields: &Fields<'_>) -> Result<LivenessProbe> {
    let known = [
        "initialDelaySeconds",
        "periodSeconds",
        "timeoutSeconds",
        "successThreshold",
        "failureThreshold",
    ];
    let given = fields.mapping("livenessProbeRequirements", &known)?;
    let seconds =
        |key, default| given.as_ref().map_or(Ok(default), |given| count(given, key, default));
    Ok(LivenessProbe {
        initial_delay_seconds: seconds(known[0], 310)?,
        period_seconds: seconds(known[1], 10)?,
        timeout_seconds: seconds(known[2], 2)?,
        success_threshold: seconds(known[3], 1)?,
        failure_threshold: seconds(known[4], 3)?,
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::DeploymentConfig;

    fn parse(lines: &str) -> Result<DeploymentConfig> {
        DeploymentConfig::parse(&format!("computeType: aks\n{lines}\n"), "dc")
    }

    pub(crate) fn defaults() -> AksConfig {
        AksConfig {
            scale: Scale::Auto {
                min_replicas: 1,
                max_replicas: 10,
                refresh_period_in_seconds: 1,
                target_utilization: 70,
            },
            data_collection: DataCollection { storage_enabled: false },
            auth_enabled: true,
            token_auth_enabled: false,
            app_insights_enabled: false,
            cpu: 0.1,
            memory_in_gb: 0.5,
            cpu_limit: None,
            memory_in_gb_limit: None,
            gpu_cores: 0,
            scoring_timeout_ms: 60_000,
            max_concurrent_requests_per_container: 1,
            max_queue_wait_ms: 500,
            keys: Keys::default(),
            liveness_probe: LivenessProbe {
                initial_delay_seconds: 310,
                period_seconds: 10,
                timeout_seconds: 2,
                success_threshold: 1,
                failure_threshold: 3,
            },
            namespace: None,
            compute_target_name: None,
        }
    }

    #[test]
    fn defaults_are_those_of_the_contract() {
        assert_eq!(parse("").unwrap(), DeploymentConfig::Aks(defaults()));
    }

    #[test]
    fn every_key_is_read() {
        let lines = "
autoScaler: {autoscaleEnabled: true, minReplicas: 2, maxReplicas: 4, refreshPeriodInSeconds: 5, targetUtilization: 50}
dataCollection: {storageEnabled: true}
authEnabled: false
tokenAuthEnabled: true
appInsightsEnabled: true
containerResourceRequirements: {cpu: 0.5, memoryInGB: 2, cpuLimit: 1, memoryInGBLimit: 3.5}
gpuCores: 1
scoringTimeoutMs: 5000
maxConcurrentRequestsPerContainer: 2
maxQueueWaitMs: 300
livenessProbeRequirements: {initialDelaySeconds: 20, periodSeconds: 6, timeoutSeconds: 7, successThreshold: 8, failureThreshold: 9}
namespace: team-1
computeTargetName: cluster";
        let expected = AksConfig {
            scale: Scale::Auto {
                min_replicas: 2,
                max_replicas: 4,
                refresh_period_in_seconds: 5,
                target_utilization: 50,
            },
            data_collection: DataCollection { storage_enabled: true },
            auth_enabled: false,
            token_auth_enabled: true,
            app_insights_enabled: true,
            cpu: 0.5,
            memory_in_gb: 2.0,
            cpu_limit: Some(1.0),
            memory_in_gb_limit: Some(3.5),
            gpu_cores: 1,
            scoring_timeout_ms: 5000,
            max_concurrent_requests_per_container: 2,
            max_queue_wait_ms: 300,
            keys: Keys::default(),
            liveness_probe: LivenessProbe {
                initial_delay_seconds: 20,
                period_seconds: 6,
                timeout_seconds: 7,
                success_threshold: 8,
                failure_threshold: 9,
            },
            namespace: Some("team-1".to_owned()),
            compute_target_name: Some("cluster".to_owned()),
        };
        assert_eq!(parse(lines).unwrap(), DeploymentConfig::Aks(expected));
    }

    #[test]
    fn a_serialised_configuration_is_read_as_the_same() {
        for lines in [
            "",
            "numReplicas: 2\ncontainerResourceRequirements: {cpu: 0.5, cpuLimit: 1}\nnamespace: a",
        ] {
            let config = parse(lines).unwrap();
            let text = serde_json::to_string(&config).unwrap();
            assert_eq!(DeploymentConfig::parse(&text, "again").unwrap(), config, "{text}");
        }
    }

    #[test]
    fn each_broken_rule_has_its_message() {
        for (lines, message) in [
            (
                "numReplicas: 0",
                "dc:2:1: `numReplicas` must be a whole number of at least 1, found `0`",
            ),
            (
                "authEnabled: true\ntokenAuthEnabled: true",
                "dc:2:1: `authEnabled` and `tokenAuthEnabled` exclude each other",
            ),
            (
                "containerResourceRequirements: {cpu: 2, cpuLimit: 1}",
                "dc:2:1: `containerResourceRequirements.cpuLimit` (1) is below `containerResourceRequirements.cpu` (2)",
            ),
            (
                "gpuCores: 0.5",
                "dc:2:1: `gpuCores` must be a whole number of at least 0, found `0.5`",
            ),
        ] {
            assert_eq!(parse(lines).unwrap_err().to_string(), message);
        }
    }
}
