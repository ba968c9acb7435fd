//! How registries are reached.

use std::path::{Path, PathBuf};

use clap::Args;
use mlpack_workflow::Registries;

/// Logins and certificates for registries.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Registry options")]
pub(crate) struct RegistryArgs {
    /// Registry user name
    #[arg(long, value_name = "NAME", requires = "password_stdin")]
    pub(crate) username: Option<String>,
    /// Read the registry password from standard input
    #[arg(long, requires = "username")]
    password_stdin: bool,
    /// File of CA certificates to trust in addition to the system's (can be repeated)
    #[arg(long, value_name = "FILE")]
    ca_cert: Vec<PathBuf>,
    /// Allow plain HTTP to this registry (can be repeated; always allowed for localhost)
    #[arg(long, value_name = "HOST")]
    insecure_registry: Vec<String>,
}

impl RegistryArgs {
    /// Adds the flags to what the environment says.
    pub(crate) fn add_to(&self, registries: Registries, cwd: &Path) -> Registries {
        Registries {
            username: self.username.clone(),
            ca_certs: self.ca_cert.iter().map(|file| cwd.join(file)).collect(),
            insecure: self.insecure_registry.clone(),
            ..registries
        }
    }
}
