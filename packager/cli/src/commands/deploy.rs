//! `mlpack deploy`: runs an existing image as a service.

use mlpack_workflow::Session;
use mlpack_workflow::deploy::{execute, plan, warn_azure_only};

use crate::args::{IMAGES, RegistryArgs, TargetArgs, variables};
use crate::context::Context;
use crate::failure::Result;
use crate::{output, render};

const EXAMPLES: &str = "\
Examples:
  mlpack deploy oci:out -n my-service --port 8080
  mlpack deploy registry.example.com/team/name:v1 -n my-service --env LOG_LEVEL=debug
";

/// Run an existing image as a service
#[derive(Debug, clap::Args)]
#[command(after_help = format!("{EXAMPLES}\n{IMAGES}"))]
pub(crate) struct Args {
    /// Image to run
    image: String,
    #[command(flatten)]
    target: TargetArgs,
    /// Set an environment variable in the service (can be repeated)
    #[arg(long = "env", value_name = "NAME=VALUE")]
    environment_variables: Vec<String>,
    /// Refuse unknown keys in the deployment configuration instead of ignoring them
    #[arg(long, help_heading = "Deployment")]
    strict: bool,
    #[command(flatten)]
    registry: RegistryArgs,
}

pub(super) fn run(context: &Context, args: &Args) -> Result<()> {
    let session = Session { strict: args.strict, ..context.session(&args.registry)? };
    let environment = variables(&args.environment_variables)?.into_iter().collect();
    let location = session.locate(&args.image)?;
    let plan = plan(&session, args.target.request(environment))?;
    let known = session.catalogue.known(&location.to_string());
    warn_azure_only(&session, known.is_some_and(|known| known.azure_only));
    let image = session.open(&location, &session.platform, None)?;
    let service = execute(&session, plan, &image)?;
    output::result(context.format, &service, render::service);
    Ok(())
}
