//! `mlpack service get-logs`.

use serde_json::json;

use super::NameArgs;
use crate::context::Context;
use crate::failure::Result;
use crate::output;

const EXAMPLES: &str = "\
Examples:
  mlpack service get-logs -n my-service
  mlpack service get-logs -n my-service -l 100";

/// Print a service's logs
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(flatten)]
    service: NameArgs,
    /// Number of lines from the end
    #[arg(long, short = 'l', visible_alias = "num_lines", default_value_t = 5000)]
    num_lines: usize,
    /// Logs of an init container on Azure
    #[arg(long, short, hide = true)]
    init: bool,
}

pub(super) fn run(context: &Context, args: &Args) -> Result<()> {
    let (name, services) = args.service.open(context)?;
    if args.init {
        let note = "`--init` has no effect: a local service has no init container";
        output::warning(context.format, note);
    }
    let log = services.session.runtime.block_on(services.deployer.logs(&name, args.num_lines))?;
    let value = json!({ "name": name, "log": log });
    args.service.common.output.print(context.format, &value, |_| log.clone())
}
