//! How registries are reached.

use std::path::PathBuf;

use clap::Args;

/// Logins and certificates for registries.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Registry options")]
pub(crate) struct RegistryArgs {
    /// Registry user name
    #[arg(long, value_name = "NAME", requires = "password_stdin")]
    pub(crate) username: Option<String>,
    /// Read the registry password from standard input
    #[arg(long, requires = "username")]
    pub(crate) password_stdin: bool,
    /// File of CA certificates to trust in addition to the system's (can be repeated)
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_cert: Vec<PathBuf>,
    /// Allow plain HTTP to this registry (can be repeated; always allowed for localhost)
    #[arg(long, value_name = "HOST")]
    pub(crate) insecure_registry: Vec<String>,
}
