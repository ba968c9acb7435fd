//! `mlpack service run`.

use std::time::Duration;

use mlpack_deploy::Request;
use serde_json::Value;

use super::NameArgs;
use crate::args::data;
use crate::context::Context;
use crate::failure::Result;
use crate::output;

const EXAMPLES: &str = "\
Examples:
  mlpack service run -n my-service -d '{\"data\": [[1, 2]]}'
  mlpack service run -n my-service -d @sample.json";

/// Send data to a service and print its answer
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(flatten)]
    service: NameArgs,
    /// Data to send, `@FILE`, or `-` for standard input
    #[arg(long, short = 'd', visible_alias = "input-data")]
    data: String,
    /// Content type of the data
    #[arg(long, default_value = "application/json")]
    content_type: String,
    /// Seconds to wait for the answer
    #[arg(long, default_value_t = 60, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    timeout: u64,
}

pub(super) fn run(context: &Context, args: &Args) -> Result<()> {
    let (name, services) = args.service.open(context)?;
    let request = Request {
        data: data(&context.cwd()?, &args.data)?,
        content_type: args.content_type.clone(),
        timeout: Duration::from_secs(args.timeout),
    };
    let answer = services.session.runtime.block_on(services.deployer.run(&name, request))?;
    let output = &args.service.common.output;
    if output.is_given()
        && let Ok(value) = serde_json::from_slice::<Value>(&answer.body)
    {
        return output.print(context.format, &value, Value::to_string);
    }
    output::raw(&answer.body);
    if !answer.body.ends_with(b"\n") {
        output::raw(b"\n");
    }
    Ok(())
}
