//! Settings of a version behind an endpoint on Azure Kubernetes Service (docs/azureml-2019.md#3.3).

use mlpack_documents::Fields;
use serde::Serialize;

use super::aks::{self, AksConfig};
use super::fields::{boolean, text};
use crate::Result;

const KEYS: [&str; 4] = ["versionName", "trafficPercentile", "isDefault", "controlVersionType"];

/// The keys of a plain service and those of an endpoint.
pub(super) fn keys() -> Vec<&'static str> {
    [aks::KEYS, &KEYS].concat()
}

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
            version_name: text(fields, "versionName")?,
            traffic_percentile: fields.whole("trafficPercentile", 0..=100)?,
            is_default: boolean(fields, "isDefault")?.unwrap_or(false),
            control_version_type: text(fields, "controlVersionType")?,
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
        assert_eq!(plain.unwrap_err().to_string(), "dc:2:1: unknown key `trafficPercentile`");
    }
}
