//! Services, found by the labels of their Deployments.

use mlpack_cluster::Kind;
use mlpack_oci::labels;
use serde_json::Value;

use super::cluster::{ALL_SERVICES, KubernetesDeployer, annotations};
use super::pod_state::{condition, is_true};
use super::rollout::is_rolled_out;
use crate::image_facts::ImageFacts;
use crate::{Metadata, ModelUse, Result, ServiceName, ServiceState, Webservice};

/// Returns the state of a service, and why it is not running.
pub(super) fn state(deployment: &Value) -> (ServiceState, Option<String>) {
    let status = &deployment["status"];
    if !deployment["metadata"]["deletionTimestamp"].is_null() {
        return (ServiceState::Deleted, None);
    }
    if is_rolled_out(deployment) {
        return (ServiceState::Running, None);
    }
    let available = status["availableReplicas"].as_i64().unwrap_or_default();
    let failure = condition(status, "ReplicaFailure").filter(|failure| failure["status"] == "True");
    let stuck = condition(status, "Progressing").filter(|progress| progress["status"] == "False");
    let noted = deployment["metadata"]["annotations"][labels::FAILURE].as_str();
    let error = failure.or(stuck).and_then(|condition| condition["message"].as_str());
    let error = noted.or(error).map(str::to_owned);
    match error {
        // Earlier pods go on answering.
        Some(error) if available > 0 && is_true(status, "Available") => {
            (ServiceState::Running, Some(format!("the last update is not answering: {error}")))
        }
        Some(error) => (ServiceState::Failed, Some(error)),
        None => (ServiceState::Deploying, None),
    }
}

impl KubernetesDeployer {
    /// Returns all services of the namespace.
    pub(super) async fn services(&self) -> Result<Vec<Webservice>> {
        let mut found = Vec::new();
        for deployment in self.cluster.list(&Kind::DEPLOYMENT, ALL_SERVICES).await? {
            let name = deployment["metadata"]["name"].as_str().unwrap_or_default();
            // mlpack did not write a name that is not a service's.
            let Ok(name) = name.parse::<ServiceName>() else { continue };
            found.push(self.described(&name, &deployment).await?);
        }
        found.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(found)
    }

    /// Describes a Deployment as a service.
    pub(super) async fn described(
        &self,
        name: &ServiceName,
        deployment: &Value,
    ) -> Result<Webservice> {
        let metadata = &deployment["metadata"];
        let annotations = annotations(deployment);
        let label = |key: &str| annotations.get(key).cloned().unwrap_or_default();
        let facts: ImageFacts = serde_json::from_str(&label(labels::FACTS)).unwrap_or_default();
        let config: Value = serde_json::from_str(&label(labels::CONFIG)).unwrap_or_default();
        let options = serde_json::from_str(&label(labels::OPTIONS)).unwrap_or_default();
        let base = self.address(name, &options).await?;
        let base = base.map(|base| format!("{base}/api/v1/service/{name}"));
        let (scoring_uri, swagger_uri) = base.as_deref().map(Webservice::uris).unzip();
        let image_digest = label(labels::DIGEST);
        let (state, error) = state(deployment);
        Ok(Webservice {
            name: name.clone(),
            metadata: Metadata::of(&annotations),
            state,
            compute_type: "aks",
            scoring_uri,
            swagger_uri,
            models: ModelUse::all(&facts.labels),
            auth_enabled: config["authEnabled"] == true,
            image_id: format!("{}@{image_digest}", label(labels::REFERENCE)),
            image_digest,
            created_time: metadata["creationTimestamp"].as_str().unwrap_or_default().to_owned(),
            error,
        })
    }
}
