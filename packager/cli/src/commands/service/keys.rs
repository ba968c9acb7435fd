//! `mlpack service get-keys` and `regen-key`.

use mlpack_deploy::KeyName;
use mlpack_oci::Secret;
use serde_json::json;

use super::NameArgs;
use crate::context::Context;
use crate::failure::Result;
use crate::render;

const GET_EXAMPLES: &str = "\
Examples:
  mlpack service get-keys -n my-service
  mlpack service get-keys -n my-service --query primaryKey -o tsv";

/// Print a service's keys
#[derive(Debug, clap::Args)]
#[command(after_help = GET_EXAMPLES)]
pub(super) struct GetArgs {
    #[command(flatten)]
    service: NameArgs,
}

pub(super) fn get(context: &Context, args: &GetArgs) -> Result<()> {
    let (name, services) = args.service.open(context)?;
    let keys = services.session.runtime.block_on(services.deployer.keys(&name))?;
    let output = &args.service.common.output;
    output.print(context.format, &json!(keys), |_| render::keys(&keys))
}

const REGEN_EXAMPLES: &str = "\
Examples:
  mlpack service regen-key -n my-service --key primary
  mlpack service regen-key -n my-service --key secondary --set-key \"$NEW_KEY\"";

/// Replace a service's key while it runs, and print its keys
#[derive(Debug, clap::Args)]
#[command(after_help = REGEN_EXAMPLES)]
pub(super) struct RegenArgs {
    #[command(flatten)]
    service: NameArgs,
    /// Key to replace: `primary` or `secondary`
    #[arg(long, short)]
    key: KeyName,
    /// New key [default: a generated one]
    #[arg(long, short)]
    set_key: Option<String>,
}

pub(super) fn regenerate(context: &Context, args: &RegenArgs) -> Result<()> {
    let (name, services) = args.service.open(context)?;
    let key = args.set_key.clone().map(Secret::new);
    let replaced =
        services.deployer.regenerate_key(&name, args.key, key, &*services.session.progress);
    let keys = services.session.runtime.block_on(replaced)?;
    let output = &args.service.common.output;
    output.print(context.format, &json!(keys), |_| render::keys(&keys))
}
