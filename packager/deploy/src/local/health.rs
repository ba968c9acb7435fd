//! Whether a service answers, and the wait until it does.

use std::time::Duration;

use mlpack_engine::{Container, ContainerStatus};
use tokio::time::{Instant, sleep, timeout_at};

use super::docker::LocalDeployer;
use crate::Result;

/// Between two questions. Short at first, since a small service is up in a moment.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);
/// How long one question may take: a server of one worker answers nothing while init() runs.
const QUESTION: Duration = Duration::from_secs(5);

/// How a wait ended.
pub(super) enum Waited {
    /// `GET /` gave 200 on this port of 127.0.0.1.
    Answers,
    /// The container ended.
    Ended(Container),
    /// The time is up; what the last question met.
    TimedOut(String),
}

impl LocalDeployer {
    /// Asks for `GET /` (docs/azureml-2019.md#4.3) until it gives 200, watching the container.
    pub(super) async fn wait(&self, id: &str, inner: u16, limit: Duration) -> Result<Waited> {
        let deadline = Instant::now() + limit;
        let mut pause = FIRST_PAUSE;
        let mut last = "nothing listens on its port yet".to_owned();
        loop {
            let container = self.engine.inspect_container(id).await?;
            if container.status != ContainerStatus::Running {
                return Ok(Waited::Ended(container));
            }
            if let Some(&port) = container.ports.get(&inner) {
                match timeout_at(deadline, self.probe(port, QUESTION)).await {
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
