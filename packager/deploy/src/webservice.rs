//! A deployed service as users and scripts see it.

use serde::{Serialize, Serializer};

use crate::name::ServiceName;
use crate::state::ServiceState;

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
    /// Its current state.
    pub state: ServiceState,
    /// `local`.
    pub compute_type: &'static str,
    /// Where to POST data; `None` while no port is published.
    pub scoring_uri: Option<String>,
    /// The URI of its swagger document.
    pub swagger_uri: Option<String>,
    /// Whether a request needs a key.
    pub auth_enabled: bool,
    /// The image that it runs, `docker:NAME@sha256:...`.
    pub image_id: String,
    /// Digest of that image.
    pub image_digest: String,
    /// When it was created, RFC 3339.
    pub created_time: String,
    /// Why it is not running.
    pub error: Option<String>,
}

impl Webservice {
    /// Returns the scoring and the swagger URI of a service at an address of this machine. Azure ML derives
    /// the second from the first by its last segment (docs/azureml-2019.md#5). It wrote `localhost`,
    /// but the port is published on 127.0.0.1 only, and on some machines that name is `::1` first.
    pub(crate) fn uris(base: &str) -> (String, String) {
        (format!("{base}/score"), format!("{base}/swagger.json"))
    }
}
