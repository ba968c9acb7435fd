//! What the front door of an image is given on every target: variables, and files with keys and a certificate
//! (packager/serve/README.md).
//!
//! Secrets are files, not variables: they are not shown where variables are, they can be replaced while the service
//! runs, and they are deleted with it.

use std::collections::BTreeMap;

use mlpack_oci::labels;

use crate::Result;
use crate::config::{AciConfig, AksConfig, LocalConfig};
use crate::placement_error::PlacementError;

/// The folder of the files in the container.
pub(crate) const FOLDER: &str = "/opt/mlpack/run";

/// The file with the keys of callers, one a line.
pub(crate) const KEYS: &str = "keys";
/// The file with the certificate.
pub(crate) const CERTIFICATE: &str = "tls.crt";
/// The file with the certificate's key.
pub(crate) const KEY: &str = "tls.key";

/// Port of probes and metrics.
pub(crate) const OPERATIONS_PORT: u16 = 5002;

/// Returns the path of a file in the container.
pub(crate) fn path(name: &str) -> String {
    format!("{FOLDER}/{name}")
}

/// The settings that a front door has variables for.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct FrontDoorSettings {
    /// Whether requests need a key, which is in [`KEYS`].
    pub(crate) keys: bool,
    /// Whether it serves TLS, with [`CERTIFICATE`] and [`KEY`].
    pub(crate) tls: bool,
    /// Time limit of a request, in milliseconds.
    pub(crate) scoring_timeout_ms: Option<u32>,
    /// Requests that run at once.
    pub(crate) max_concurrent_requests: Option<u32>,
    /// Time that a request may wait, in milliseconds.
    pub(crate) max_queue_wait_ms: Option<u32>,
}

impl FrontDoorSettings {
    /// Returns the variables.
    pub(crate) fn variables(self) -> BTreeMap<String, String> {
        let number = |value: Option<u32>| value.map(|value| value.to_string());
        let all = [
            ("MLPACK_KEYS_FILE", self.keys.then(|| path(KEYS))),
            ("MLPACK_TLS_CERTIFICATE", self.tls.then(|| path(CERTIFICATE))),
            ("MLPACK_TLS_KEY", self.tls.then(|| path(KEY))),
            ("SCORING_TIMEOUT_MS", number(self.scoring_timeout_ms)),
            ("MLPACK_MAX_CONCURRENT_REQUESTS", number(self.max_concurrent_requests)),
            ("MLPACK_MAX_QUEUE_WAIT_MS", number(self.max_queue_wait_ms)),
        ];
        all.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }
}

impl From<&LocalConfig> for FrontDoorSettings {
    fn from(config: &LocalConfig) -> Self {
        Self {
            keys: config.auth_enabled,
            tls: config.tls.is_some(),
            scoring_timeout_ms: config.scoring_timeout_ms,
            max_concurrent_requests: config.max_concurrent_requests_per_container,
            max_queue_wait_ms: config.max_queue_wait_ms,
        }
    }
}

impl From<&AksConfig> for FrontDoorSettings {
    fn from(config: &AksConfig) -> Self {
        Self {
            keys: config.auth_enabled,
            tls: false,
            scoring_timeout_ms: Some(config.scoring_timeout_ms),
            max_concurrent_requests: Some(config.max_concurrent_requests_per_container),
            max_queue_wait_ms: Some(config.max_queue_wait_ms),
        }
    }
}

impl From<&AciConfig> for FrontDoorSettings {
    fn from(config: &AciConfig) -> Self {
        Self { keys: config.auth_enabled, tls: config.ssl.is_some(), ..Self::default() }
    }
}

/// Returns the port that a service listens on inside its container: the label `org.mlpack.port`, else
/// 5001.
///
/// # Errors
/// [`PlacementError::PortLabel`]
pub fn port_of(found: &BTreeMap<String, String>) -> Result<u16> {
    let Some(text) = found.get(labels::PORT) else { return Ok(labels::DEFAULT_PORT) };
    match text.parse() {
        Ok(port) if port != 0 => Ok(port),
        _ => Err(PlacementError::PortLabel { found: text.clone() }.into()),
    }
}

/// Checks that an image has the front door.
///
/// # Errors
/// [`PlacementError::NoFrontDoor`]
pub(crate) fn require(
    image_labels: &BTreeMap<String, String>,
    reference: &str,
) -> Result<(), PlacementError> {
    match image_labels.contains_key(labels::FRONT_DOOR) {
        true => Ok(()),
        false => Err(PlacementError::NoFrontDoor { reference: reference.to_owned() }),
    }
}
