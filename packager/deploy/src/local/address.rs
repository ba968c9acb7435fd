//! Where a service is reached, and how, as its container's labels say.

use mlpack_engine::Container;
use mlpack_oci::labels;

use crate::front_door::port_of;

/// Returns the port of 127.0.0.1 that a container serves on.
pub(super) fn published(container: &Container) -> Option<u16> {
    container.ports.get(&port_of(&container.labels).ok()?).copied()
}

/// What a container's labels say about its service.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Settings {
    pub(super) auth_enabled: bool,
    pub(super) tls: bool,
}

impl Settings {
    pub(super) fn of(container: &Container) -> Self {
        let label = container.labels.get(labels::CONFIG);
        let config: Option<serde_json::Value> =
            label.and_then(|text| serde_json::from_str(text).ok());
        let Some(config) = config else { return Self::default() };
        Self {
            auth_enabled: config["authEnabled"].as_bool().unwrap_or(false),
            tls: config["sslEnabled"].as_bool().unwrap_or(false),
        }
    }
}

/// Returns the address of a service on a port of this machine.
pub(super) fn base(tls: bool, port: u16) -> String {
    format!("{}://127.0.0.1:{port}", if tls { "https" } else { "http" })
}
