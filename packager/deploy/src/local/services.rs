//! Services, found by their containers' labels.

use std::time::Duration;

use mlpack_engine::{Container, ContainerStatus};
use mlpack_oci::labels;

use super::address::{Settings, base, published};
use super::docker::LocalDeployer;
use crate::scoring::Endpoint;
use crate::{Metadata, ModelUse, ServiceName, ServiceState, Webservice};

impl LocalDeployer {
    /// Returns whether the service of a container answers.
    pub(super) async fn answers(&self, container: &Container) -> bool {
        const LIMIT: Duration = Duration::from_secs(2);
        match self.endpoint(container).await {
            Ok(Some(Endpoint { client, base, .. })) => {
                self.probe(&client, &base, LIMIT).await.is_ok()
            }
            _ => false,
        }
    }
}

/// Derives a service's state from its container's and from whether it answers.
pub(super) fn state_of(container: &Container, answers: bool) -> ServiceState {
    match container.status {
        ContainerStatus::Running if answers => ServiceState::Running,
        ContainerStatus::Running | ContainerStatus::Created => ServiceState::Deploying,
        // A container that is being restarted has failed before.
        ContainerStatus::Restarting | ContainerStatus::Exited | ContainerStatus::Dead => {
            ServiceState::Failed
        }
        ContainerStatus::Removing => ServiceState::Deleted,
        ContainerStatus::Paused => ServiceState::Unknown,
    }
}

/// Describes a container as a service.
pub(super) fn describe(name: &ServiceName, container: &Container, answers: bool) -> Webservice {
    let state = state_of(container, answers);
    let settings = Settings::of(container);
    let base = published(container).map(|port| base(settings.tls, port));
    let (scoring_uri, swagger_uri) = base.as_deref().map(Webservice::uris).unzip();
    let label = |key: &str| container.labels.get(key).cloned();
    let image_digest = label(labels::DIGEST).unwrap_or_else(|| container.image.clone());
    let place = label(labels::REFERENCE).unwrap_or_else(|| "docker:".to_owned());
    Webservice {
        name: name.clone(),
        metadata: Metadata::of(&container.labels),
        state,
        compute_type: "local",
        models: ModelUse::all(&container.labels),
        scoring_uri,
        swagger_uri,
        auth_enabled: settings.auth_enabled,
        image_id: format!("{place}@{image_digest}"),
        image_digest,
        created_time: container.created.clone(),
        error: error_of(container),
    }
}

fn error_of(container: &Container) -> Option<String> {
    if !container.error.is_empty() {
        return Some(container.error.clone());
    }
    if container.out_of_memory {
        return Some("the server process was killed because it ran out of memory".to_owned());
    }
    let code = container.exit_code?;
    Some(match container.status {
        ContainerStatus::Restarting => {
            format!("the server process exited with code {code} and is being restarted")
        }
        _ => format!("the server process exited with code {code}"),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn container(status: ContainerStatus) -> Container {
        let labels = [
            (labels::SERVICE, "digits"),
            (labels::DIGEST, "sha256:01"),
            (labels::REFERENCE, "docker:digits"),
        ];
        Container {
            id: "c0ffee".to_owned(),
            name: "digits".to_owned(),
            image: "sha256:01".to_owned(),
            status,
            exit_code: None,
            out_of_memory: false,
            error: String::new(),
            created: "2019-05-02T10:00:00Z".to_owned(),
            labels: labels.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
            ports: BTreeMap::from([(5001, 6789)]),
            networks: Vec::new(),
            kept_running: true,
        }
    }

    #[test]
    fn a_running_container_is_described() {
        let name: ServiceName = "digits".parse().unwrap();
        let service = describe(&name, &container(ContainerStatus::Running), true);
        assert_eq!(
            serde_json::to_value(service).unwrap(),
            serde_json::json!({
                "name": "digits",
                "description": null,
                "tags": {},
                "properties": {},
                "state": "running",
                "computeType": "local",
                "scoringUri": "http://127.0.0.1:6789/score",
                "swaggerUri": "http://127.0.0.1:6789/swagger.json",
                "models": [],
                "authEnabled": false,
                "imageId": "docker:digits@sha256:01",
                "imageDigest": "sha256:01",
                "createdTime": "2019-05-02T10:00:00Z",
                "error": null,
            })
        );
    }

    #[test]
    fn states_follow_the_container_and_the_answer() {
        let state = |status, answers| state_of(&container(status), answers).to_string();
        assert_eq!(state(ContainerStatus::Running, true), "running");
        assert_eq!(state(ContainerStatus::Running, false), "deploying");
        assert_eq!(state(ContainerStatus::Created, false), "deploying");
        assert_eq!(state(ContainerStatus::Exited, false), "failed");
        assert_eq!(state(ContainerStatus::Restarting, false), "failed");
        assert_eq!(state(ContainerStatus::Removing, false), "deleted");
        assert_eq!(state(ContainerStatus::Paused, false), "unknown");
    }

    #[test]
    fn a_failed_service_has_an_error() {
        let mut ended = container(ContainerStatus::Exited);
        (ended.exit_code, ended.ports) = (Some(3), BTreeMap::new());
        let service = describe(&"digits".parse().unwrap(), &ended, false);
        assert_eq!(service.error.unwrap(), "the server process exited with code 3");
        assert_eq!(service.scoring_uri, None);
    }
}
