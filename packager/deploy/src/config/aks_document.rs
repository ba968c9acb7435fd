//! Writes the settings of Azure Kubernetes Service as the configuration that they are read from.

use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use super::aks::AksConfig;
use super::scale::Scale;

impl Serialize for AksConfig {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut resources = json!({ "cpu": self.cpu, "memoryInGB": self.memory_in_gb });
        let limits = [("cpuLimit", self.cpu_limit), ("memoryInGBLimit", self.memory_in_gb_limit)];
        for (key, limit) in limits.into_iter().filter_map(|(key, limit)| Some((key, limit?))) {
            resources[key] = limit.into();
        }
        let scale = match self.scale {
            Scale::Fixed { num_replicas } => ("numReplicas", json!(num_replicas)),
            Scale::Auto {
                min_replicas,
                max_replicas,
                refresh_period_in_seconds,
                target_utilization,
            } => {
                let scaler = json!({
                    "autoscaleEnabled": true,
                    "minReplicas": min_replicas,
                    "maxReplicas": max_replicas,
                    "refreshPeriodInSeconds": refresh_period_in_seconds,
                    "targetUtilization": target_utilization,
                });
                ("autoScaler", scaler)
            }
        };
        let given = |key: &'static str, text: &Option<String>| Some((key, text.clone()?.into()));
        let entries = [
            Some(scale),
            Some(("dataCollection", json!(self.data_collection))),
            Some(("authEnabled", self.auth_enabled.into())),
            Some(("tokenAuthEnabled", self.token_auth_enabled.into())),
            Some(("appInsightsEnabled", self.app_insights_enabled.into())),
            Some(("containerResourceRequirements", resources)),
            Some(("gpuCores", self.gpu_cores.into())),
            Some(("scoringTimeoutMs", self.scoring_timeout_ms.into())),
            Some((
                "maxConcurrentRequestsPerContainer",
                self.max_concurrent_requests_per_container.into(),
            )),
            Some(("maxQueueWaitMs", self.max_queue_wait_ms.into())),
            Some(("livenessProbeRequirements", json!(self.liveness_probe))),
            given("namespace", &self.namespace),
            given("computeTargetName", &self.compute_target_name),
        ];
        let entries: Vec<(&str, Value)> = entries.into_iter().flatten().collect();
        serializer.collect_map(entries)
    }
}
