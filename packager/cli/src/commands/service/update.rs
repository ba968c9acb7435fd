//! `mlpack service update`.

use mlpack_deploy::Metadata;
use mlpack_workflow::models::{new_image_place, pairs};
use mlpack_workflow::{Destination, PackageRequest, UpdateRequest, package, update};
use serde_json::json;

use super::ClusterArgs;
use crate::args::{AzurePlaceArgs, ConfigArgs, LockUseArgs, OutputArgs, ProjectArgs, RegistryArgs};
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::render;

const EXAMPLES: &str = "\
Examples:
  mlpack service update -n my-service -m digits:4 --ic inferenceconfig.json
  mlpack service update -n my-service --cpu-cores 2 --add-tag stage=production

A new container answers before the old one ends, so no request fails; in Azure Container Instances it is tried in a separate
group, and the service pauses while it is replaced. If it never becomes ready, the service goes on as it was.";

/// Replace the models, the image or the settings of a service while it runs
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Service name
    #[arg(long, short)]
    name: String,
    #[command(flatten)]
    project: ProjectArgs,
    #[command(flatten)]
    config: ConfigArgs,
    /// Tag to add or replace (can be repeated)
    #[arg(long, alias = "tag", value_name = "KEY=VALUE", help_heading = "Deployment")]
    add_tag: Vec<String>,
    /// Tag to remove (can be repeated)
    #[arg(long, value_name = "KEY", help_heading = "Deployment")]
    remove_tag: Vec<String>,
    /// Property to add (can be repeated)
    #[arg(long, alias = "property", value_name = "KEY=VALUE", help_heading = "Deployment")]
    add_property: Vec<String>,
    #[command(flatten)]
    lock_use: LockUseArgs,
    #[command(flatten)]
    registry: RegistryArgs,
    #[command(flatten)]
    cluster: ClusterArgs,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    azure: AzurePlaceArgs,
}

impl Args {
    fn request(&self) -> Result<UpdateRequest> {
        let environment = match self.project.is_given() {
            // They are variables of the new image.
            true => Vec::new(),
            false => self.project.variables()?,
        };
        let settings = self.config.settings()?;
        let namespace = settings.iter().find(|setting| setting.spec.flag == "namespace");
        let namespace = namespace.map(|setting| setting.text.clone());
        let request = UpdateRequest {
            name: self.name.clone(),
            target: self.cluster.target(namespace),
            image: None,
            config: self.config.deploy_config.clone(),
            settings,
            metadata: Metadata {
                description: self.project.description(),
                tags: pairs("--add-tag", &self.add_tag)?,
                properties: pairs("--add-property", &self.add_property)?,
            },
            remove_tags: self.remove_tag.clone(),
            environment: environment.into_iter().collect(),
            timeout: self.config.timeout(),
        };
        let nothing = !self.project.is_given()
            && request.config.is_none()
            && request.settings.is_empty()
            && request.metadata == Metadata::default()
            && request.remove_tags.is_empty()
            && request.environment.is_empty();
        match nothing {
            true => Err(Failure::usage(
                "nothing to update",
                "name what changes: models (`-m`) with `--ic`, a configuration (`--dc`), settings or tags",
            )),
            false => Ok(request),
        }
    }
}

pub(super) fn run(context: &Context, args: &Args) -> Result<()> {
    let request = args.request()?;
    args.azure.warn(context.format, request.target.compute_type());
    let session = context.packaging(&args.registry, Some(&args.project))?;
    let session = args.azure.add_to(session);
    let image = match args.project.is_given() {
        true => new_image_place(&session, &args.project.models()?)?,
        false => None,
    };
    let planned = update::plan(&session, UpdateRequest { image, ..request })?;
    let packaged = match args.project.is_given() {
        true => {
            let destination = Destination { output: None, keep_base_layers: true, target: None };
            let request = PackageRequest { destination, ..args.project.packaging(args.lock_use)? };
            let plan = package::plan(&session, &request)?;
            Some(package::execute(&session, plan, planned.destination()?)?)
        }
        false => None,
    };
    let image = packaged.as_ref().map(|packaged| &packaged.image);
    let service = update::execute(&session, planned, image)?;
    args.output.print(context.format, &json!(service), |_| render::service(&service))
}
