//! Settings of a version behind an endpoint on Azure Kubernetes Service (docs/azureml-2019.md#3.3).

use serde::Serialize;

use super::aks::AksConfig;
use super::fields::Fields;
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
    "versionName",
    "trafficPercentile",
    "isDefault",
    "controlVersionType",
];

/// A version of a service behind an endpoint.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AksEndpointConfig {
    /// As for a plain service.
    #[serde(flatten)]
    pub service: AksConfig,
    /// Name of the version.
    pub version_name: Option<String>,
    /// Its share of the requests, in percent.
    pub traffic_percentile: Option<u32>,
    /// Whether it takes what no other version takes.
    pub is_default: bool,
    /// `control` or `treatment`.
    pub control_version_type: Option<String>,
}

impl AksEndpointConfig {
    pub(super) fn read(fields: &Fields<'_>) -> Result<Self> {
        Ok(Self {
            service: AksConfig::read(fields)?,
            version_name: fields.text("versionName")?,
            traffic_percentile: fields.whole("trafficPercentile", 0, 100)?,
            is_default: fields.boolean("isDefault")?.unwrap_or(false),
            control_version_type: fields.text("controlVersionType")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DeploymentConfig;
    use crate::config::aks::tests::defaults;

    #[test]
    fn an_endpoint_has_its_own_keys() {
        let text = "computeType: aksendpoint\nversionName: v1\ntrafficPercentile: 20\nisDefault: true\ncontrolVersionType: treatment\n";
        let expected = AksEndpointConfig {
            service: defaults(),
            version_name: Some("v1".to_owned()),
            traffic_percentile: Some(20),
            is_default: true,
            control_version_type: Some("treatment".to_owned()),
        };
        let read = DeploymentConfig::parse(text, "dc").unwrap();
        assert_eq!(read, DeploymentConfig::AksEndpoint(expected));
        let plain = DeploymentConfig::parse("computeType: aks\ntrafficPercentile: 20", "dc");
        assert_eq!(plain.unwrap_err().to_string(), "dc: unknown key `trafficPercentile`");
    }

    #[test]
    fn every_key_of_a_plain_service_is_known() {
        let missing: Vec<_> =
            super::super::aks::KEYS.iter().filter(|key| !KEYS.contains(key)).collect();
        assert_eq!(missing, Vec::<&&str>::new());
    }
}
