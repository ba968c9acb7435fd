//! Waits until the pods of a service are replaced, and explains why they are not.

use std::time::Duration;

use mlpack_cluster::{Error as ClusterError, Kind};
use mlpack_oci::{Progress, labels};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::cluster::KubernetesDeployer;
use super::error::Error as KubernetesError;
use super::pod_state::{PodState, condition, is_true, pod_state};
use super::release::Release;
use crate::explain::{Explanation, from_log};
use crate::{Error, Result, ServiceName, explain_end};

/// Time between two questions.
const INTERVAL: Duration = Duration::from_secs(1);

/// Number of lines of the log in an error.
const LOG_TAIL: usize = 50;

/// Number of events in an error.
const EVENTS: usize = 8;

/// How far a rollout is.
enum Rollout {
    Done,
    Waiting { text: String, pod: Option<String> },
    Blocked { explanation: Explanation, pod: Option<String> },
}

/// Whether all pods of a Deployment are of its newest template and accept requests, as `kubectl rollout status` decides it.
pub(super) fn is_rolled_out(deployment: &Value) -> bool {
    let status = &deployment["status"];
    let number = |value: &Value| value.as_i64().unwrap_or_default();
    let desired = deployment["spec"]["replicas"].as_i64().unwrap_or(1);
    number(&status["observedGeneration"]) >= number(&deployment["metadata"]["generation"])
        && number(&status["updatedReplicas"]) == desired
        && number(&status["replicas"]) == desired
        && number(&status["availableReplicas"]) == desired
}

impl KubernetesDeployer {
    /// Waits until all pods of a service are those of a release.
    ///
    /// # Errors
    /// [`Error::Failed`], [`Error::TimedOut`], [`Error::NotStarted`], or the cluster's.
    pub(super) async fn await_rollout(
        &self,
        release: &Release,
        progress: &dyn Progress,
    ) -> Result<()> {
        let name = &release.deployment.name;
        let limit = release.deployment.timeout;
        let deadline = Instant::now() + limit;
        let meter = progress.begin(&format!("Waiting for {name} to answer"), None);
        let mut said = String::new();
        let mut last = Rollout::Waiting { text: "it was not looked at".to_owned(), pod: None };
        loop {
            match self.look(name).await {
                Ok(Rollout::Done) => {
                    meter.finish("answered");
                    return Ok(());
                }
                Ok(state) => {
                    let text = match &state {
                        Rollout::Done => "",
                        Rollout::Waiting { text, .. } => text,
                        Rollout::Blocked { explanation, .. } => &explanation.cause,
                    };
                    if said != text {
                        said = text.to_owned();
                        progress.note(&format!("{name}: {text}"));
                    }
                    last = state;
                }
                // The API server may be replaced meanwhile.
                Err(error) if is_passing(&error) => {}
                Err(error) => {
                    meter.finish("failed");
                    return Err(error);
                }
            }
            if Instant::now() >= deadline {
                meter.finish("timed out");
                return Err(self.timed_out(name, limit, last).await?);
            }
            sleep(INTERVAL).await;
        }
    }

    /// Looks once.
    async fn look(&self, name: &ServiceName) -> Result<Rollout> {
        let deployment = self.find(name).await?;
        if is_rolled_out(&deployment) {
            return Ok(Rollout::Done);
        }
        let waiting = |text: &str| Rollout::Waiting { text: text.to_owned(), pod: None };
        if let Some(failure) = condition(&deployment["status"], "ReplicaFailure")
            && failure["status"] == "True"
        {
            let message = failure["message"].as_str().unwrap_or_default();
            let explanation = Explanation {
                cause: format!("the cluster refuses its pods: {message}"),
                hint: "a quota or a policy of the namespace forbids them; change it, or what is asked for".to_owned(),
            };
            return Ok(Rollout::Blocked { explanation, pod: None });
        }
        let Some(hash) = self.newest_template(name, &deployment).await? else {
            return Ok(waiting("the cluster has not begun"));
        };
        let selector = format!("{}={name},pod-template-hash={hash}", labels::SERVICE);
        let pods = self.cluster.list(&Kind::POD, &selector).await?;
        let mut state = waiting(if pods.is_empty() {
            "pods are being made"
        } else {
            "earlier pods are ending"
        });
        for pod in &pods {
            let pod_name = || pod["metadata"]["name"].as_str().map(str::to_owned);
            match pod_state(pod) {
                PodState::Ready => {}
                PodState::Waiting(text) => {
                    if let Rollout::Waiting { .. } = &state {
                        state = Rollout::Waiting { text, pod: pod_name() };
                    }
                }
                PodState::Blocked(explanation) => {
                    state = Rollout::Blocked { explanation, pod: pod_name() };
                }
                PodState::Refused(explanation) => {
                    return Err(self.not_started(name, explanation, pod_name()).await?);
                }
                PodState::Ended { ended, restarted } => {
                    let log = self.pod_log(pod, LOG_TAIL, restarted).await?;
                    let explanation = explain_end(&log, ended);
                    let (name, exit_code) = (name.to_string(), ended.exit_code);
                    return Err(Error::Failed { name, explanation, exit_code, log, kept: false });
                }
            }
        }
        Ok(state)
    }

    /// Returns the hash of a Deployment's newest template, which its pods have as a label.
    async fn newest_template(
        &self,
        name: &ServiceName,
        deployment: &Value,
    ) -> Result<Option<String>> {
        const REVISION: &str = "deployment.kubernetes.io/revision";
        let metadata = &deployment["metadata"];
        if deployment["status"]["observedGeneration"].as_i64() < metadata["generation"].as_i64() {
            return Ok(None);
        }
        let selector = format!("{}={name}", labels::SERVICE);
        let sets = self.cluster.list(&Kind::REPLICA_SET, &selector).await?;
        let revision = &metadata["annotations"][REVISION];
        let newest = sets.iter().find(|set| {
            set["metadata"]["annotations"][REVISION] == *revision
                && set["metadata"]["ownerReferences"][0]["uid"] == metadata["uid"]
        });
        let hash = newest.and_then(|set| set["metadata"]["labels"]["pod-template-hash"].as_str());
        Ok(hash.map(str::to_owned))
    }

    async fn timed_out(&self, name: &ServiceName, limit: Duration, last: Rollout) -> Result<Error> {
        let (last, pod) = match last {
            Rollout::Blocked { explanation, pod } => {
                return self.not_started(name, explanation, pod).await;
            }
            Rollout::Waiting { text, pod } => (text, pod),
            Rollout::Done => (String::new(), None),
        };
        let log = match pod {
            Some(pod) => self.cluster.logs(&pod, name.as_str(), LOG_TAIL, false).await?,
            None => String::new(),
        };
        let explanation = from_log(&log).map(Box::new);
        Ok(Error::TimedOut { name: name.to_string(), limit, last, explanation, log, kept: false })
    }

    /// Returns the error for pods that cannot start, with what the cluster says about one.
    async fn not_started(
        &self,
        name: &ServiceName,
        explanation: Explanation,
        pod: Option<String>,
    ) -> Result<Error> {
        let mut events = Vec::new();
        if let Some(pod) = pod {
            // They explain more, but who may deploy may not be allowed to read them.
            let found = self.cluster.events(&pod).await.unwrap_or_default();
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            events = found
                .iter()
                .map(|event| format!("{}: {}", text(&event["reason"]), text(&event["message"])))
                .collect();
            events.drain(..events.len().saturating_sub(EVENTS));
        }
        Ok(Error::NotStarted { name: name.to_string(), explanation, events })
    }

    /// Returns the end of the log of a pod's container.
    pub(super) async fn pod_log(
        &self,
        pod: &Value,
        num_lines: usize,
        previous: bool,
    ) -> Result<String> {
        let name = pod["metadata"]["name"].as_str().unwrap_or_default();
        let container = pod["spec"]["containers"][0]["name"].as_str().unwrap_or_default();
        Ok(self.cluster.logs(name, container, num_lines, previous).await?)
    }

    /// Returns the log of a service's pods, each below its name if there are several.
    pub(super) async fn log_of(
        &self,
        name: &ServiceName,
        deployment: &Value,
        num_lines: usize,
    ) -> Result<String> {
        let selector = format!("{}={name}", labels::SERVICE);
        let mut pods = self.cluster.list(&Kind::POD, &selector).await?;
        // While an update runs, the pods of the newest template are those that are asked about.
        if let Some(hash) = self.newest_template(name, deployment).await? {
            pods.retain(|pod| pod["metadata"]["labels"]["pod-template-hash"] == *hash);
        }
        let mut log = String::new();
        for pod in &pods {
            let started = is_true(&pod["status"], "Ready");
            let restarts = &pod["status"]["containerStatuses"][0]["restartCount"];
            let mut text = self.pod_log(pod, num_lines, false).await?;
            if text.is_empty() && !started && restarts.as_i64() > Some(0) {
                text = self.pod_log(pod, num_lines, true).await?;
            }
            if pods.len() > 1 {
                let name = pod["metadata"]["name"].as_str().unwrap_or_default();
                log.push_str(&format!("==> {name} <==\n"));
            }
            log.push_str(&text);
        }
        Ok(log)
    }
}

/// Whether an error may have gone at the next question.
fn is_passing(error: &Error) -> bool {
    let Error::Target { source, .. } = error else { return false };
    matches!(
        source.downcast_ref(),
        Some(KubernetesError::Cluster(
            ClusterError::Unreachable { .. } | ClusterError::Hangs { .. }
        ))
    )
}
