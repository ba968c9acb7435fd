//! What a target is given of an image besides its reference.

use std::collections::BTreeMap;
use std::fmt::Debug;

use mlpack_oci::{PinnedReference, Secret, labels};
use serde::{Deserialize, Serialize};

use crate::{ModelUse, Result};

/// What of an image decides how it is placed. Serialised as a service on a target records it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageFacts {
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its architecture, as in `amd64`.
    pub architecture: String,
    /// The user that it starts as, as in `65532:65532`; empty for root.
    pub user: String,
}

impl ImageFacts {
    /// Returns what a service records: an image's own record of how it was made can be longer than a target allows.
    pub(crate) fn recorded(&self) -> Self {
        let mut labels = self.labels.clone();
        labels.retain(|name, _| [labels::FRONT_DOOR, labels::PORT].contains(&name.as_str()));
        let models = ModelUse::all(&self.labels);
        if !models.is_empty() {
            let record = serde_json::json!({ "models": models });
            labels.insert(labels::IMAGE.to_owned(), record.to_string());
        }
        Self { labels, ..self.clone() }
    }
}

/// The login that a target pulls an image with.
#[derive(Debug, Clone)]
pub struct PullLogin {
    /// The registry's host.
    pub server: String,
    /// User name.
    pub username: String,
    /// Password.
    pub password: Secret,
}

/// The logins of this machine for registries.
pub trait PullLogins: Debug + Send + Sync {
    /// Returns the login to pull an image with.
    ///
    /// # Errors
    /// If there is none with a user and a password.
    fn pull_login(&self, image: &PinnedReference) -> Result<PullLogin>;
}
