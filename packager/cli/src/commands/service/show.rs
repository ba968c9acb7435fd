//! `mlpack service show` and `delete`.

use serde_json::json;

use super::NameArgs;
use crate::context::Context;
use crate::failure::Result;
use crate::render;

const SHOW_EXAMPLES: &str = "\
Examples:
  mlpack service show -n my-service
  mlpack service show -n my-service --query scoringUri -o tsv";

/// Show a service
#[derive(Debug, clap::Args)]
#[command(after_help = SHOW_EXAMPLES)]
pub(super) struct ShowArgs {
    #[command(flatten)]
    service: NameArgs,
}

pub(super) fn show(context: &Context, args: &ShowArgs) -> Result<()> {
    let (name, services) = args.service.open(context)?;
    let service = services.session.runtime.block_on(services.deployer.show(&name))?;
    let output = &args.service.common.output;
    output.print(context.format, &json!(service), |_| render::service(&service))
}

const DELETE_EXAMPLES: &str = "\
Examples:
  mlpack service delete -n my-service
  mlpack service delete --name my-service --format json";

/// Stop and remove a service
#[derive(Debug, clap::Args)]
#[command(after_help = DELETE_EXAMPLES)]
pub(super) struct DeleteArgs {
    #[command(flatten)]
    service: NameArgs,
}

pub(super) fn delete(context: &Context, args: &DeleteArgs) -> Result<()> {
    let (name, services) = args.service.open(context)?;
    services.session.runtime.block_on(services.deployer.delete(&name))?;
    let value = json!({ "name": name, "state": "deleted" });
    args.service.common.output.print(context.format, &value, |_| format!("{name} deleted"))
}
