//! `mlpack deploy`: runs an existing image as a service.

use mlpack_workflow::deploy::{difference, execute, plan, warn_azure_only};
use mlpack_workflow::render::{Written, render};
use mlpack_workflow::{DeployRequest, RenderRequest, Session};
use serde_json::json;

use crate::args::{AzurePlaceArgs, IMAGES, RegistryArgs, RenderArgs, TargetArgs, variables};
use crate::context::Context;
use crate::failure::Result;
use crate::{output, render as show};

const EXAMPLES: &str = "\
Examples:
  mlpack deploy oci:out -n my-service --port 8080
  mlpack deploy registry.example.com/team/name:v1 -n my-service --env LOG_LEVEL=debug
  mlpack deploy registry.example.com/team/name:v1 -n my-service --dc deploymentconfig.json --render-only -o documents
  mlpack deploy registry.example.com/team/name:v1 -n my-service --compute-target my-cluster --dry-run
";

/// Run an existing image as a service
#[derive(Debug, clap::Args)]
#[command(after_help = format!("{EXAMPLES}\n{IMAGES}"))]
pub(crate) struct Args {
    /// Image to run
    image: String,
    /// Service name: 3 to 32 lowercase letters, digits and dashes
    #[arg(long, short)]
    name: String,
    #[command(flatten)]
    target: TargetArgs,
    /// Description of the service
    #[arg(long, value_name = "TEXT", help_heading = "Deployment")]
    description: Option<String>,
    /// Set an environment variable in the service (can be repeated)
    #[arg(long = "env", value_name = "NAME=VALUE")]
    environment_variables: Vec<String>,
    /// Refuse unknown keys in the deployment configuration instead of ignoring them
    #[arg(long, help_heading = "Deployment")]
    strict: bool,
    /// Show what would change, and send nothing that stays
    #[arg(long, conflicts_with = "render_only", help_heading = "Deployment")]
    dry_run: bool,
    #[command(flatten)]
    rendering: RenderArgs,
    #[command(flatten)]
    azure: AzurePlaceArgs,
    #[command(flatten)]
    registry: RegistryArgs,
}

pub(super) fn run(context: &Context, args: &Args) -> Result<()> {
    let session = args.azure.add_to(context.session(&args.registry)?);
    let session = Session { strict: args.strict, ..session };
    let environment = variables(&args.environment_variables)?.into_iter().collect();
    let location = session.locate(&args.image)?;
    let request = args.target.request(&args.name, args.description.clone(), environment)?;
    if let Some(request) = args.rendering.request(&request) {
        let written = render(&session, &request, &location)?;
        print(context, &request, &written);
        return Ok(());
    }
    let request = DeployRequest { image: Some(location.clone()), ..request };
    if args.dry_run {
        let image = session.open(&location, &session.platform, None)?;
        let changes = difference(&session, request, &image)?;
        output::result(context.format, &changes, |changes| show::differences(changes));
        return Ok(());
    }
    let plan = plan(&session, request)?;
    args.azure.warn(context.format, plan.compute_type());
    let known = session.catalogue.known(&location.to_string());
    warn_azure_only(&session, known.is_some_and(|known| known.azure_only));
    let image = session.open(&location, &session.platform, None)?;
    let service = execute(&session, plan, &image)?;
    output::result(context.format, &service, show::service);
    Ok(())
}

fn print(context: &Context, request: &RenderRequest, written: &Written) {
    let folder = request.folder.display().to_string();
    let Written { image, files } = written;
    let value = json!({ "image": image.to_string(), "folder": folder, "files": files });
    output::result(context.format, &value, |_| {
        let lines: Vec<String> = files.iter().map(|file| format!("{folder}/{file}")).collect();
        lines.join("\n")
    });
}
