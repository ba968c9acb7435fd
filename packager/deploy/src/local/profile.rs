//! Measuring a service under load.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::docker::LocalDeployer;
use super::services::state_of;
use crate::scoring::{Endpoint, post};
use crate::{Error, Measured, Request, Result, ServiceName};

/// How often the memory is looked at.
const INTERVAL: Duration = Duration::from_millis(200);

impl LocalDeployer {
    /// Sends a request again and again, and measures the container.
    ///
    /// # Errors
    /// As [`Deployer::profile`](crate::Deployer::profile).
    pub(super) async fn measure(
        &self,
        name: &ServiceName,
        request: &Request,
        duration: Duration,
    ) -> Result<Measured> {
        let container = self.find(name).await?;
        let Some(endpoint) = self.endpoint(&container).await? else {
            let state = state_of(&container, false);
            return Err(Error::NotServing { name: name.to_string(), state });
        };
        // The first request loads what the others find loaded.
        post(name, &endpoint, request).await?;
        let before = self.engine.usage(&container.id).await?;
        let begun = Instant::now();
        let until = begun + duration;
        let mut peak_memory = before.memory;
        let latencies = {
            let memory = async {
                while Instant::now() < until {
                    sleep(INTERVAL).await;
                    let usage = self.engine.usage(&container.id).await?;
                    peak_memory = peak_memory.max(usage.memory);
                }
                Ok::<_, Error>(())
            };
            // One client more than the workers that an image has: a worker never waits for a request.
            let client = || ask(name, &endpoint, request, until);
            let (first, second, memory) = tokio::join!(client(), client(), memory);
            memory?;
            [first?, second?]
        };
        let elapsed = begun.elapsed();
        let after = self.engine.usage(&container.id).await?;
        let mut latencies = latencies.concat();
        latencies.sort_unstable();
        Ok(Measured {
            elapsed,
            latencies,
            cpu_time: after.cpu_time.saturating_sub(before.cpu_time),
            peak_memory: peak_memory.max(after.memory),
        })
    }
}

/// Sends requests until a moment, at least one, and returns how long each took.
async fn ask(
    name: &ServiceName,
    endpoint: &Endpoint,
    request: &Request,
    until: Instant,
) -> Result<Vec<Duration>> {
    let mut latencies = Vec::new();
    loop {
        let begun = Instant::now();
        post(name, endpoint, request).await?;
        latencies.push(begun.elapsed());
        if Instant::now() >= until {
            return Ok(latencies);
        }
    }
}
