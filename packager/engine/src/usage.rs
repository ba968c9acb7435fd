//! What a container uses of this machine.

use std::time::Duration;

use bollard::query_parameters::StatsOptionsBuilder;
use futures_util::StreamExt as _;

use crate::{Engine, Error, Result};

/// What a container has used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// CPU time since it started, of all its processes and cores.
    pub cpu_time: Duration,
    /// Memory at this moment, in bytes, without files that the kernel can drop.
    pub memory: u64,
}

impl Engine {
    /// Returns what a running container uses.
    ///
    /// # Errors
    /// [`Error::NoSuchContainer`], or the engine's refusal.
    pub async fn usage(&self, id: &str) -> Result<Usage> {
        let options = StatsOptionsBuilder::default().stream(false).one_shot(true).build();
        let mut answers = Box::pin(self.docker.stats(id, Some(options)));
        let Some(found) = answers.next().await else {
            return Err(Error::NoSuchContainer { name: id.to_owned() });
        };
        let found = found.map_err(self.of(id, "measure a container"))?;
        let cpu = found.cpu_stats.and_then(|cpu| cpu.cpu_usage?.total_usage).unwrap_or_default();
        let memory = found.memory_stats.unwrap_or_default();
        // Control groups of version 2, and of version 1.
        let details = memory.stats.unwrap_or_default();
        let files = ["inactive_file", "total_inactive_file"];
        let files = files.iter().find_map(|name| details.get(*name)).copied().unwrap_or_default();
        let memory = memory.usage.unwrap_or_default().saturating_sub(files);
        Ok(Usage { cpu_time: Duration::from_nanos(cpu), memory })
    }
}
