//! `mlpack model deploy`: packages and deploys in one step.

use std::collections::BTreeMap;

use mlpack_workflow::{Destination, PackageRequest, deploy, package};

use crate::args::{AzureArgs, LockUseArgs, ProjectArgs, RegistryArgs, TargetArgs};
use crate::context::Context;
use crate::failure::Result;
use crate::{output, render};

const EXAMPLES: &str = "\
Examples:
  mlpack model deploy -n my-service -m digits:3 --ic inferenceconfig.json --dc deploymentconfig.json
  mlpack model deploy -n my-service -m model=model.pkl \\
                      --ic inferenceconfig.json --port 8080 --overwrite

`-ic`, `-dc` and `-ct` with one dash are accepted too. `-g`, `-w`, `-v` and other arguments of `az ml` that need an Azure
workspace are accepted and have no effect.";

/// Package models with their entry script and run them as a service
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    project: ProjectArgs,
    #[command(flatten)]
    lock_use: LockUseArgs,
    #[command(flatten)]
    registry: RegistryArgs,
    #[command(flatten)]
    azure: AzureArgs,
}

pub(super) fn run(context: &Context, args: &Args) -> Result<()> {
    args.azure.warn(context.format);
    let session = context.packaging(&args.registry, Some(&args.project))?;
    // Before the long work: whether the target answers, and name and port are free.
    let deployment = deploy::plan(&session, args.target.request(BTreeMap::new()))?;
    let destination =
        Destination { output: None, keep_base_layers: true, target: deployment.compute_target() };
    let request = PackageRequest { destination, ..args.project.packaging(args.lock_use)? };
    let plan = package::plan(&session, &request)?;
    deploy::warn_azure_only(&session, plan.azure_only);
    let packaged = package::execute(&session, plan, &deployment.destination())?;
    let service = deploy::execute(&session, deployment, &packaged.image)?;
    output::result(context.format, &service, render::service);
    Ok(())
}
