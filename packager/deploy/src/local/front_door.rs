//! What the front door of a service is given: variables, and files with its keys and its certificate.
//!
//! Secrets are files of the container, not variables: `docker inspect` does not show them, they can be replaced while
//! the service runs, and they are deleted with the container.

use std::collections::BTreeMap;
use std::path::Path;

use mlpack_oci::labels;

use super::error::Error as LocalError;
use super::tls::Tls;
use crate::Result;
use crate::config::LocalConfig;
use crate::service_keys::ServiceKeys;

/// The folder of the files in the container.
pub(super) const FOLDER: &str = "/opt/mlpack/run";

pub(super) const KEYS: &str = "keys";
pub(super) const CERTIFICATE: &str = "tls.crt";
pub(super) const KEY: &str = "tls.key";

/// Returns the path of a file in the container.
pub(super) fn path(name: &str) -> String {
    format!("{FOLDER}/{name}")
}

/// Returns the variables for a configuration (packager/serve/README.md).
pub(super) fn variables(config: &LocalConfig) -> BTreeMap<String, String> {
    let mut variables = BTreeMap::new();
    let mut set = |name: &str, value: Option<String>| {
        variables.extend(value.map(|value| (name.to_owned(), value)));
    };
    let number = |value: Option<u32>| value.map(|value| value.to_string());
    set("MLPACK_KEYS_FILE", config.auth_enabled.then(|| path(KEYS)));
    set("MLPACK_TLS_CERTIFICATE", config.tls.as_ref().map(|_| path(CERTIFICATE)));
    set("MLPACK_TLS_KEY", config.tls.as_ref().map(|_| path(KEY)));
    set("SCORING_TIMEOUT_MS", number(config.scoring_timeout_ms));
    set("MLPACK_MAX_CONCURRENT_REQUESTS", number(config.max_concurrent_requests_per_container));
    set("MLPACK_MAX_QUEUE_WAIT_MS", number(config.max_queue_wait_ms));
    variables
}

/// Keys and certificate of a service that is about to be created.
pub(super) struct Files {
    pub(super) keys: Option<ServiceKeys>,
    pub(super) tls: Option<Tls>,
}

impl Files {
    /// Reads, checks and generates them. Relative paths start at `folder`.
    ///
    /// # Errors
    /// [`Error::Key`](crate::Error::Key), or the local target's for a certificate.
    pub(super) fn prepare(config: &LocalConfig, folder: &Path) -> Result<Self> {
        let keys = config.auth_enabled.then(|| ServiceKeys::of(&config.keys)).transpose()?;
        let tls = config.tls.as_ref().map(|files| Tls::read(files, folder)).transpose()?;
        Ok(Self { keys, tls })
    }
}

/// Checks that an image has the front door, if the configuration needs it.
///
/// # Errors
/// [`LocalError::NoFrontDoor`]
pub(super) fn require(
    config: &LocalConfig,
    image_labels: &BTreeMap<String, String>,
    reference: &str,
) -> Result<(), LocalError> {
    match config.needs_front_door() && !image_labels.contains_key(labels::FRONT_DOOR) {
        true => Err(LocalError::NoFrontDoor { reference: reference.to_owned() }),
        false => Ok(()),
    }
}
