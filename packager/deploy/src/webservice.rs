//! A deployed service, as people and scripts see it.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::ServiceName;

/// State of a service on the local target, in the words of Azure ML (docs/azureml-2019.md#5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceState {
    /// Made or started, not yet answering.
    Deploying,
    /// It answers.
    Running,
    /// Its container ended or cannot stay up.
    Failed,
    /// It is being taken away.
    Deleted,
    /// The engine says something else, as for a paused container.
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

impl Serialize for ServiceName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A service. Serialised with the keys Azure ML used (docs/azureml-2019.md#5, `serialize`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Webservice {
    /// Its name.
    pub name: ServiceName,
    /// What it does now.
    pub state: ServiceState,
    /// `local`.
    pub compute_type: &'static str,
    /// Where to POST data; nothing while no port is published.
    pub scoring_uri: Option<String>,
    /// Where its swagger document is.
    pub swagger_uri: Option<String>,
    /// The image it runs, `docker:NAME@sha256:...`.
    pub image_id: String,
    /// Digest of that image.
    pub image_digest: String,
    /// When its container was made, RFC 3339.
    pub created_time: String,
    /// Why it is not running, in a sentence.
    pub error: Option<String>,
}

impl Webservice {
    /// Scoring and swagger URI of a service on `port` of this machine. Azure ML derives the second
    /// from the first by its last segment (docs/azureml-2019.md#5). It wrote `localhost`; but the port
    /// is published on 127.0.0.1 only, and there are machines where that name is `::1` first.
    pub(crate) fn uris(port: u16) -> (String, String) {
        let base = format!("http://127.0.0.1:{port}");
        (format!("{base}/score"), format!("{base}/swagger.json"))
    }
}
