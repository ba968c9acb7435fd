//! Waiting until a service answers.

use std::time::Duration;

use mlpack_engine::{Container, ContainerStatus};
use tokio::time::{Instant, sleep, timeout_at};

use super::address::base;
use super::docker::LocalDeployer;
use crate::Result;

/// Pause between two requests. Short at first, since a small service starts quickly.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);
/// Time limit of one request: a server with one worker does not answer while init() runs.
const REQUEST: Duration = Duration::from_secs(5);

/// A service that was started.
pub(super) struct Waiting<'a> {
    /// The container.
    pub(super) id: &'a str,
    /// The port inside the container.
    pub(super) inner: u16,
    /// Trusts the service's certificate, if it has one.
    pub(super) client: reqwest::Client,
    pub(super) tls: bool,
}

/// How a wait ended.
pub(super) enum Waited {
    /// `GET /` returned 200.
    Answers,
    /// The container exited.
    Ended(Container),
    /// The time limit passed; why the last request failed.
    TimedOut(String),
}

impl LocalDeployer {
    /// Sends `GET /` (docs/azureml-2019.md#4.3) until it returns 200 or the container exits.
    pub(super) async fn wait(&self, waiting: &Waiting<'_>, limit: Duration) -> Result<Waited> {
        let Waiting { id, inner, client, tls } = waiting;
        let deadline = Instant::now() + limit;
        let mut pause = FIRST_PAUSE;
        let mut last = "nothing listens on its port yet".to_owned();
        loop {
            let container = self.engine.inspect_container(id).await?;
            if container.status != ContainerStatus::Running {
                return Ok(Waited::Ended(container));
            }
            if let Some(&port) = container.ports.get(inner) {
                let base = base(*tls, port);
                match timeout_at(deadline, self.probe(client, &base, REQUEST)).await {
                    Ok(Ok(())) => return Ok(Waited::Answers),
                    Ok(Err(reason)) => last = reason,
                    Err(_) => return Ok(Waited::TimedOut(last)),
                }
            }
            if Instant::now() + pause >= deadline {
                return Ok(Waited::TimedOut(last));
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}
