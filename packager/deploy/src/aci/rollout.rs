//! Waits until a container group answers, and explains why it does not.

use std::time::Duration;

use mlpack_azure::{Operation, OperationState};
use mlpack_oci::Progress;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::apply::FULL_CODES;
use super::group::{AciDeployer, VERSION};
use super::group_state::{GroupState, events, failed_probes};
use super::release::Release;
use crate::explain::{Explanation, from_log};
use crate::{Error, Result, ServiceName, explain_end};

/// Time between two questions.
const INTERVAL: Duration = Duration::from_secs(1);

/// How long no probe of a group may have failed that cannot be reached from here; its readiness is asked every 5 s.
const QUIET: Duration = Duration::from_secs(12);

/// Number of lines of the log in an error.
const LOG_TAIL: usize = 50;

/// Number of events in an error.
const EVENTS: usize = 8;

/// What was seen of a group while it starts.
struct Watched {
    /// For messages.
    text: String,
    blocked: Option<Explanation>,
    events: Vec<String>,
    /// Failed probes, and since when there are no more.
    probes: (i64, Instant),
}

impl AciDeployer {
    /// Waits until the operation has ended and the group answers.
    ///
    /// # Errors
    /// [`Error::Failed`], [`Error::TimedOut`], [`Error::NotStarted`], or Azure's.
    pub(super) async fn await_answer(
        &self,
        group: &str,
        release: &Release,
        mut operation: Operation,
        deadline: Instant,
        progress: &dyn Progress,
    ) -> Result<()> {
        let name = &release.deployment.name;
        let meter = progress.begin(&format!("Waiting for {group} to answer"), None);
        let mut watched = Watched {
            text: "Azure has not begun".to_owned(),
            blocked: None,
            events: Vec::new(),
            probes: (0, Instant::now()),
        };
        let mut ask_again = Instant::now();
        let mut is_done = false;
        loop {
            let step = async {
                if !is_done && Instant::now() >= ask_again {
                    match self.manager.poll(&mut operation).await {
                        Ok(OperationState::Done) => is_done = true,
                        Ok(OperationState::Running(wait)) => ask_again = Instant::now() + wait,
                        Err(error) => return Err(self.failed(group, name, error).await),
                    }
                }
                let said = watched.text.clone();
                let is_ready = self.look(group, release, &mut watched).await?;
                if said != watched.text {
                    progress.note(&format!("{group}: {}", watched.text));
                }
                Ok::<bool, Error>(is_done && is_ready)
            };
            match step.await {
                Ok(true) => {
                    meter.finish("answered");
                    return Ok(());
                }
                Ok(false) => {}
                Err(error) => {
                    meter.finish("failed");
                    return Err(error);
                }
            }
            if Instant::now() >= deadline {
                meter.finish("timed out");
                return Err(self.timed_out(group, name, release.deployment.timeout, watched).await);
            }
            sleep(INTERVAL).await;
        }
    }

    /// Explains why an operation failed, with what is reported of the group.
    async fn failed(&self, group: &str, name: &ServiceName, error: mlpack_azure::Error) -> Error {
        let mlpack_azure::Error::Failed { code, message, .. } = &error else { return error.into() };
        if FULL_CODES.contains(&code.as_str()) {
            return error.into();
        }
        let hint = error.hint().unwrap_or_else(|| "try again, or another `location`".to_owned());
        let explanation = Explanation { cause: format!("{message} ({code})"), hint };
        // They explain more; that it failed is known.
        let found = self.manager.get(&self.path(group), VERSION).await.ok().flatten();
        not_started(name, explanation, &events(&found.unwrap_or_default()))
    }

    /// Looks once: whether the group answers.
    async fn look(&self, group: &str, release: &Release, watched: &mut Watched) -> Result<bool> {
        let name = release.deployment.name.to_string();
        let Some(found) = self.manager.get(&self.path(group), VERSION).await? else {
            return Ok(false);
        };
        watched.events = events(&found);
        watched.blocked = None;
        let probes = failed_probes(&found);
        if probes != watched.probes.0 {
            watched.probes = (probes, Instant::now());
        }
        match GroupState::of(&found) {
            GroupState::Waiting(text) => watched.text = text,
            GroupState::Stopped => "its container group is stopped".clone_into(&mut watched.text),
            GroupState::Blocked(explanation) => {
                watched.text.clone_from(&explanation.cause);
                watched.blocked = Some(explanation);
            }
            GroupState::Refused(explanation) => {
                return Err(not_started(&release.deployment.name, explanation, &watched.events));
            }
            GroupState::Ended(ended) => {
                let log =
                    self.log(group, &release.deployment.name, LOG_TAIL).await.unwrap_or_default();
                let explanation = explain_end(&log, ended);
                let exit_code = ended.exit_code;
                return Err(Error::Failed { name, explanation, exit_code, log, kept: true });
            }
            GroupState::Running => return self.is_ready(&found, release, watched).await,
        }
        Ok(false)
    }

    /// Whether a group that runs answers; of one that is not reachable from here, whether its probes succeed.
    async fn is_ready(
        &self,
        group: &Value,
        release: &Release,
        watched: &mut Watched,
    ) -> Result<bool> {
        let Some(endpoint) = self.endpoint(group, &release.config)? else {
            "its probes are waited for".clone_into(&mut watched.text);
            return Ok(watched.probes.1.elapsed() >= QUIET);
        };
        let asked = endpoint.client.get(format!("{}/", endpoint.base)).timeout(10 * INTERVAL);
        match asked.send().await {
            Ok(answer) if answer.status().is_success() => return Ok(true),
            Ok(answer) => {
                let body = answer.text().await.unwrap_or_default();
                watched.text = body.lines().next().unwrap_or_default().chars().take(200).collect();
            }
            Err(_) => "it runs and cannot be connected to yet".clone_into(&mut watched.text),
        }
        Ok(false)
    }

    async fn timed_out(
        &self,
        group: &str,
        name: &ServiceName,
        limit: Duration,
        watched: Watched,
    ) -> Error {
        if let Some(explanation) = watched.blocked {
            return not_started(name, explanation, &watched.events);
        }
        // A container that does not run yet has no log.
        let log = self.log(group, name, LOG_TAIL).await.unwrap_or_default();
        let explanation = from_log(&log).map(Box::new);
        let last = watched.text;
        Error::TimedOut { name: name.to_string(), limit, last, explanation, log, kept: true }
    }

    /// Returns the end of the log of a group's container.
    pub(super) async fn log(
        &self,
        group: &str,
        name: &ServiceName,
        num_lines: usize,
    ) -> Result<String> {
        let path = format!("{}/logs?tail={num_lines}", self.container_path(group, name.as_str()));
        let answer = self.manager.get(&path, VERSION).await?.unwrap_or_default();
        Ok(answer["content"].as_str().unwrap_or_default().to_owned())
    }
}

fn not_started(name: &ServiceName, explanation: Explanation, events: &[String]) -> Error {
    let events = events[events.len().saturating_sub(EVENTS)..].to_vec();
    Error::NotStarted { name: name.to_string(), explanation, events }
}
