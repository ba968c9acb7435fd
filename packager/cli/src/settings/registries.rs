//! Logins, certificates and proxies for registries.

use std::path::PathBuf;
use std::sync::OnceLock;

use mlpack_registry::{Credentials, Proxies, Secret};
use mlpack_workflow::Registries;

use super::variable;

/// Returns how registries are reached, from the variables of Docker, podman and mlpack.
pub(crate) fn registries() -> Registries {
    let mut logins = Vec::new();
    if let (Some(username), Some(password)) =
        (variable("MLPACK_REGISTRY_USERNAME"), variable("MLPACK_REGISTRY_PASSWORD"))
    {
        logins.push(Credentials::Basic { username, password: Secret::new(password) });
    }
    // Sent only to the registry itself, which exchanges it for a token of its kind.
    if let Some(token) = variable("MLPACK_REGISTRY_AZURE_TOKEN") {
        logins.push(Credentials::AzureAccessToken(Secret::new(token)));
    }
    Registries {
        username: None,
        logins,
        credential_files: credential_files(),
        ca_certs: Vec::new(),
        insecure: Vec::new(),
        proxies: Proxies {
            https: variable("HTTPS_PROXY").or_else(|| variable("https_proxy")),
            http: variable("HTTP_PROXY").or_else(|| variable("http_proxy")),
            no_proxy: variable("NO_PROXY").or_else(|| variable("no_proxy")),
        },
        bound: OnceLock::new(),
    }
}

/// Returns the file where Docker stores logins, and so does mlpack.
pub(crate) fn docker_config() -> Option<PathBuf> {
    variable("DOCKER_CONFIG")
        .map(PathBuf::from)
        .or_else(|| variable("HOME").map(|home| PathBuf::from(home).join(".docker")))
        .map(|dir| dir.join("config.json"))
}

/// Returns Docker's file, then podman's.
fn credential_files() -> Vec<PathBuf> {
    let podman = variable("REGISTRY_AUTH_FILE").map(PathBuf::from).or_else(|| {
        variable("XDG_RUNTIME_DIR").map(|dir| PathBuf::from(dir).join("containers/auth.json"))
    });
    let stored =
        variable("HOME").map(|home| PathBuf::from(home).join(".config/containers/auth.json"));
    [docker_config(), podman, stored].into_iter().flatten().collect()
}
