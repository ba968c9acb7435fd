//! A deployed service as users and scripts see it.

use std::collections::BTreeMap;

use mlpack_oci::{DiffId, labels};
use serde::{Deserialize, Serialize, Serializer};

use crate::metadata::Metadata;
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
    /// Description, tags and properties.
    #[serde(flatten)]
    pub metadata: Metadata,
    /// Its current state.
    pub state: ServiceState,
    /// `local`.
    pub compute_type: &'static str,
    /// Where to POST data; `None` while no port is published.
    pub scoring_uri: Option<String>,
    /// The URI of its swagger document.
    pub swagger_uri: Option<String>,
    /// Models in its image.
    pub models: Vec<ModelUse>,
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

/// A model in the image of a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelUse {
    /// Its name.
    pub name: String,
    /// Its version; 0 if it was not registered.
    pub version: u32,
    /// Digest of its layer's content.
    pub digest: DiffId,
}

impl ModelUse {
    /// Reads the models from the labels of an image; none of an image that mlpack did not make.
    pub(crate) fn all(found: &BTreeMap<String, String>) -> Vec<Self> {
        #[derive(Default, Deserialize)]
        struct Record {
            models: Vec<ModelUse>,
        }
        let record: Option<Record> =
            found.get(labels::IMAGE).and_then(|text| serde_json::from_str(text).ok());
        record.unwrap_or_default().models
    }

    /// Returns `NAME:VERSION`, or the name of one that was not registered.
    pub fn id(&self) -> String {
        match self.version {
            0 => self.name.clone(),
            version => format!("{}:{version}", self.name),
        }
    }
}

impl Webservice {
    /// Returns the scoring and the swagger URI of a service at an address of this machine. Azure ML derives
    /// the second from the first by its last segment (docs/azureml-2019.md#5). It wrote `localhost`,
    /// but the port is published on 127.0.0.1 only, and on some machines that name is `::1` first.
    pub(crate) fn uris(base: &str) -> (String, String) {
        (format!("{base}/score"), format!("{base}/swagger.json"))
    }
}
