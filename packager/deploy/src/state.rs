//! The state of a service.

use std::fmt;

use serde::{Serialize, Serializer};

/// State of a service, in the words of Azure ML (docs/azureml-2019.md#5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceState {
    /// Created or started, not answering yet.
    Deploying,
    /// It answers.
    Running,
    /// Its process exited or keeps failing.
    Failed,
    /// It is being deleted.
    Deleted,
    /// Another state of the target, as of a paused container.
    Unknown,
}

impl fmt::Display for ServiceState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Deploying => "deploying",
            Self::Running => "running",
            Self::Failed => "failed",
            Self::Deleted => "deleted",
            Self::Unknown => "unknown",
        })
    }
}

impl Serialize for ServiceState {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
