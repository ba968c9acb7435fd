//! Registry services whose users need other commands than `mlpack login`.

/// The service behind a registry's host name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Vendor {
    /// Azure Container Registry.
    Azure,
    /// Amazon Elastic Container Registry.
    Amazon,
    Other,
}

impl Vendor {
    /// Returns the service of a host.
    pub(crate) fn of(registry: &str) -> Self {
        let host = registry.split(':').next().unwrap_or(registry);
        match host {
            _ if [".azurecr.io", ".azurecr.cn", ".azurecr.us"]
                .iter()
                .any(|e| host.ends_with(e)) =>
            {
                Self::Azure
            }
            _ if host.contains(".dkr.ecr.") => Self::Amazon,
            _ => Self::Other,
        }
    }
}

/// Returns the commands that log in to a registry.
pub(crate) fn login_commands(registry: &str) -> String {
    let mlpack = format!("`mlpack login {registry}`");
    match Vendor::of(registry) {
        Vendor::Azure => {
            let name = registry.split('.').next().unwrap_or(registry);
            format!("{mlpack} (or `az acr login --name {name}`)")
        }
        Vendor::Amazon | Vendor::Other => mlpack,
    }
}
