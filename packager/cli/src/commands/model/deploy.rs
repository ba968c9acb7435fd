//! `mlpack model deploy`: packages and deploys in one step.

use std::collections::BTreeMap;

use mlpack_deploy::ServiceName;
use mlpack_workflow::models::new_image_place;
use mlpack_workflow::{DeployRequest, Destination, PackageRequest, deploy, package};
use serde_json::json;

use crate::args::{AzurePlaceArgs, LockUseArgs, OutputArgs, ProjectArgs, RegistryArgs, TargetArgs};
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::render;

const EXAMPLES: &str = "\
Examples:
  mlpack model deploy -n my-service -m digits:3 --ic inferenceconfig.json --dc deploymentconfig.json
  mlpack model deploy -n my-service -m model=model.pkl \\
                      --ic inferenceconfig.json --port 8080 --overwrite

`-ic`, `-dc` and `-ct` with one dash are accepted too. `-g`, `-w` and other arguments of `az ml` that need an Azure
workspace are accepted and have no effect.";

/// Package models with their entry script and run them as a service
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Service name: 3 to 32 lowercase letters, digits and dashes [default: the first model's]
    #[arg(long, short)]
    name: Option<String>,
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    project: ProjectArgs,
    #[command(flatten)]
    lock_use: LockUseArgs,
    #[command(flatten)]
    registry: RegistryArgs,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    azure: AzurePlaceArgs,
}

impl Args {
    fn name(&self) -> Result<String> {
        if let Some(name) = &self.name {
            return Ok(name.clone());
        }
        let models = self.project.models()?;
        let derived = models.first().and_then(|model| ServiceName::of_model(model.name()?));
        derived.map(|name| name.to_string()).ok_or_else(|| {
            Failure::usage(
                "the service has no name, and none can be made of its first model",
                "give it one with `--name NAME`",
            )
        })
    }
}

pub(super) fn run(context: &Context, args: &Args) -> Result<()> {
    let session = context.packaging(&args.registry, Some(&args.project))?;
    let session = args.azure.add_to(session);
    // Before the long work: whether the target answers, and name and port are free.
    let deployment = {
        let name = args.name()?;
        let request = args.target.request(&name, args.project.description(), BTreeMap::new())?;
        let image = new_image_place(&session, &args.project.models()?)?;
        deploy::plan(&session, DeployRequest { image, ..request })?
    };
    args.azure.warn(context.format, deployment.compute_type());
    let destination =
        Destination { output: None, keep_base_layers: true, target: deployment.compute_target() };
    let request = PackageRequest { destination, ..args.project.packaging(args.lock_use)? };
    let plan = package::plan(&session, &request)?;
    deploy::warn_azure_only(&session, plan.azure_only);
    let packaged = package::execute(&session, plan, deployment.destination())?;
    let service = deploy::execute(&session, deployment, &packaged.image)?;
    args.output.print(context.format, &json!(service), |_| render::service(&service))
}
