//! `mlpack model package`: `mlpack package` with the arguments of `az ml model package` (docs/azureml-2019.md#1.4).

use mlpack_workflow::models::image_place;

use crate::args::AzureArgs;
use crate::commands::package::BuildArgs;
use crate::context::Context;
use crate::failure::Result;
use crate::output;

const EXAMPLES: &str = "\
Examples:
  mlpack model package -m digits:3 --ic inferenceconfig.json --output-path image
  mlpack model package -m digits:3 --es score.py --cf environment.yml --rt python \\
                       --output registry.example.com/team/name:v1

Without a destination the image is stored in the workspace, as `package-NAME-VERSION` in a folder and as
`package:NAME-VERSION` in a registry. `-g`, `-w` and other arguments of `az ml` that need an Azure workspace are accepted
and have no effect.";

/// Build an image of models and their entry script
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Destination as for `mlpack package` [default: the workspace of models]
    #[arg(long, value_name = "IMAGE")]
    output: Option<String>,
    /// Directory to write the image to, as an OCI layout
    #[arg(long, value_name = "DIR", conflicts_with = "output")]
    output_path: Option<String>,
    #[command(flatten)]
    build: BuildArgs,
    #[arg(long, hide = true)]
    no_wait: bool,
    #[arg(long, short, hide = true)]
    verbose: bool,
    #[command(flatten)]
    azure: AzureArgs,
}

pub(super) fn run(context: &Context, args: &Args) -> Result<()> {
    args.azure.warn(context.format);
    if args.no_wait {
        output::warning(context.format, "`--no-wait` has no effect: the image is built here");
    }
    if args.verbose {
        output::warning(context.format, "`--verbose` has no effect: only the reference is printed");
    }
    let session = args.build.session(context)?;
    let written = match (&args.output, &args.output_path) {
        (Some(output), _) => output.clone(),
        (None, Some(dir)) => format!("oci:{dir}"),
        (None, None) => image_place(&session, &args.build.project.models()?)?,
    };
    let target = session.locate(&written)?;
    args.build.run(context, &session, Some(target), Some(&written))
}
