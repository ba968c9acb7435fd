//! `mlpack logout`: removes a stored login.

use mlpack_registry::CredentialStore;
use serde_json::json;

use super::login::config_file;
use crate::context::Context;
use crate::failure::Result;
use crate::output;

const EXAMPLES: &str = "\
Examples:
  mlpack logout example.azurecr.io
  mlpack logout localhost:5000";

/// Log out of a registry
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Registry, as in `example.azurecr.io`
    registry: String,
}

pub(super) fn run(context: &Context, args: &Args) -> Result<()> {
    let path = config_file()?;
    let removed = CredentialStore::logout(&path, &args.registry)?;
    let value = json!({ "registry": args.registry, "removed": removed });
    output::result(context.format, &value, |_| {
        let (registry, path) = (&args.registry, path.display());
        match removed {
            true => format!("Removed the login for {registry} from {path}"),
            false => format!("No login for {registry} in {path}"),
        }
    });
    Ok(())
}
