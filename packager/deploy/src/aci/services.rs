//! Services, found by the tags of their container groups.

use mlpack_oci::labels;
use serde_json::Value;

use super::group::{AciDeployer, tags};
use super::group_state::service_state;
use super::record::{Record, as_labels};
use super::score::address;
use crate::{Metadata, ModelUse, Result, ServiceName, Webservice};

impl AciDeployer {
    /// Describes a group as a service.
    pub(super) fn described(&self, name: &ServiceName, group: &Value) -> Result<Webservice> {
        let tags = tags(group);
        let tag = |key: &str| tags.get(key).cloned().unwrap_or_default();
        let record = Record::of(&tags).ok();
        let config = record.as_ref().map(|record| record.config.clone()).unwrap_or_default();
        let base = address(group).map(|(host, port)| match (port, config["cname"].as_str()) {
            (443, Some(cname)) => format!("https://{cname}"),
            (443, None) => format!("https://{host}"),
            _ => format!("http://{host}"),
        });
        let (scoring_uri, swagger_uri) = base.as_deref().map(Webservice::uris).unzip();
        let image_digest = tag(labels::DIGEST);
        let (state, error) = service_state(group);
        let started = &group["properties"]["containers"][0]["properties"]["instanceView"];
        let started = &started["currentState"]["startTime"];
        Ok(Webservice {
            name: name.clone(),
            metadata: Metadata::of(&as_labels(&tags)),
            state,
            compute_type: "aci",
            scoring_uri,
            swagger_uri,
            models: record.map(|record| ModelUse::all(&record.facts.labels)).unwrap_or_default(),
            auth_enabled: config["authEnabled"] == true,
            image_id: format!("{}@{image_digest}", tag(labels::REFERENCE)),
            image_digest,
            created_time: started.as_str().unwrap_or_default().to_owned(),
            error,
        })
    }
}
