//! `mlpack login`: stores a login where Docker stores logins.

use mlpack_registry::{CredentialStore, Credentials, Secret};
use serde_json::json;

use crate::args::RegistryArgs;
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::output;
use crate::settings::docker_config;

const EXAMPLES: &str = "\
Examples:
  mlpack login example.azurecr.io --username me --password-stdin < password.txt
  mlpack login localhost:5000 --username me --password-stdin < password.txt";

/// Log in to a registry (stored in Docker's config)
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Registry, as in `example.azurecr.io`
    #[arg(value_name = "REGISTRY")]
    host: String,
    #[command(flatten)]
    registry: RegistryArgs,
}

pub(super) fn run(context: &Context, args: &Args) -> Result<()> {
    let host = &args.host;
    let Some(username) = &args.registry.username else {
        return Err(Failure::usage(
            "login needs --username and --password-stdin",
            format!("mlpack login {host} --username NAME --password-stdin < FILE"),
        ));
    };
    let session = context.session(&args.registry)?;
    let password = session.reporter.password();
    let password = password.map_err(Failure::io("read", "the password from standard input"))?;
    let (username, password) = (username.clone(), Secret::new(password));
    let credentials = Credentials::Basic { username, password };
    // A login that does not work is not stored.
    let client = session.registry(None)?;
    session.runtime.block_on(client.check_login(host, credentials.clone()))?;
    let path = config_file()?;
    CredentialStore::login(&path, host, &credentials)?;
    let value = json!({ "registry": host, "file": path });
    output::result(context.format, &value, |_| {
        format!("Logged in to {host}, stored in {}", path.display())
    });
    Ok(())
}

/// Returns the file of logins.
pub(super) fn config_file() -> Result<std::path::PathBuf> {
    docker_config().ok_or_else(|| Failure::Other {
        message: "cannot find the directory of Docker's config.json".to_owned(),
        hint: Some("set HOME or DOCKER_CONFIG".to_owned()),
    })
}
