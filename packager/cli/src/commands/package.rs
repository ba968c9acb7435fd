//! `mlpack package`: builds an image and prints its pinned reference.

use std::path::PathBuf;

use mlpack_oci::{Image, Location, PinnedReference};
use mlpack_workflow::package::{execute, plan};
use mlpack_workflow::{Destination, PackageRequest, Selftest};
use serde_json::{Value, json};

use crate::args::{LockUseArgs, ProjectArgs, RegistryArgs};
use crate::context::Context;
use crate::failure::Result;
use crate::output;

const EXAMPLES: &str = "\
Examples:
  mlpack package --ic inferenceconfig.json -m model=model.pkl --output oci:out
  mlpack package --es score.py --cf environment.yml --rt python \\
                 --bi python:3.11-slim --policy current \\
                 -m first=a.onnx -m second:3=folder --output docker:my-service:v1
  mlpack package --ic inferenceconfig.json -m model=model.pkl --selftest \\
                 --output registry.example.com/team/name:v1

Prints only the pinned reference to standard output; for a registry, REPOSITORY@DIGEST.";

/// Build an image from an entry script, a conda file and models
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, override_usage = "mlpack package [OPTIONS] --output <IMAGE>")]
pub(crate) struct Args {
    #[command(flatten)]
    project: ProjectArgs,
    #[command(flatten)]
    lock_use: LockUseArgs,
    /// Destination: `oci:DIR[:TAG]`, `oci-archive:FILE`, `docker-archive:FILE`, `docker:NAME` or
    /// `REGISTRY/REPOSITORY:TAG`
    #[arg(long, short, value_name = "IMAGE", required_unless_present = "dry_run")]
    output: Option<String>,
    /// Print the plan without writing an image (may download packages for checks)
    #[arg(long)]
    dry_run: bool,
    /// Run init(), and run() with the sample of its schema, in the files of the image on this machine, and write no image
    /// if that fails (needs user namespaces or root, no container engine)
    #[arg(long)]
    selftest: bool,
    /// Body of the request of the self-test [default: the sample of the schema]
    #[arg(long, value_name = "FILE", requires = "selftest")]
    selftest_input: Option<PathBuf>,
    #[command(flatten)]
    registry: RegistryArgs,
}

pub(super) fn run(context: &Context, args: &Args) -> Result<()> {
    let session = context.packaging(&args.registry, Some(&args.project))?;
    let target = args.output.as_deref().map(|text| session.locate(text)).transpose()?;
    if let Some(target) = &target {
        session.registries.bind(target);
    }
    let request = PackageRequest {
        destination: Destination {
            output: match &target {
                Some(Location::Registry(_)) | None => args.output.clone(),
                Some(target) => Some(target.to_string()),
            },
            keep_base_layers: target
                .as_ref()
                .is_some_and(|target| !matches!(target, Location::Registry(_))),
            target: None,
        },
        selftest: args.selftest.then(|| Selftest { input: args.selftest_input.clone() }),
        ..args.project.packaging(args.lock_use)?
    };
    let plan = plan(&session, &request)?;
    let (Some(target), false) = (target, args.dry_run) else {
        output::result(context.format, &plan.to_json(), |_| plan.lines().join("\n"));
        return Ok(());
    };
    let packaged = execute(&session, plan, &target)?;
    let reference = &packaged.reference;
    output::result(context.format, &result(reference, &packaged.image), |_| reference.to_string());
    Ok(())
}

fn result(reference: &PinnedReference, image: &Image) -> Value {
    json!({
        "reference": reference.to_string(),
        "digest": reference.digest,
        "imageId": image.id,
        "layers": image.layers.iter().map(|layer| json!({
            "digest": layer.digest, "diffId": layer.diff_id, "size": layer.descriptor.size(),
        })).collect::<Vec<_>>(),
    })
}
