//! `mlpack package`: builds an image and prints its pinned reference.

use std::path::PathBuf;

use mlpack_oci::{Image, Location, PinnedReference};
use mlpack_workflow::package::{execute, plan};
use mlpack_workflow::{Destination, PackageRequest, Selftest, Session};
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
    /// Destination: `oci:DIR[:TAG]`, `oci-archive:FILE`, `docker-archive:FILE`, `docker:NAME` or
    /// `REGISTRY/REPOSITORY:TAG`
    #[arg(long, short, value_name = "IMAGE", required_unless_present = "dry_run")]
    output: Option<String>,
    #[command(flatten)]
    build: BuildArgs,
}

/// How an image is built.
#[derive(Debug, clap::Args)]
pub(super) struct BuildArgs {
    #[command(flatten)]
    pub(super) project: ProjectArgs,
    #[command(flatten)]
    lock_use: LockUseArgs,
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
    let session = args.build.session(context)?;
    let target = args.output.as_deref().map(|text| session.locate(text)).transpose()?;
    args.build.run(context, &session, target, args.output.as_deref())
}

impl BuildArgs {
    /// Returns the session that builds.
    pub(super) fn session(&self, context: &Context) -> Result<Session> {
        context.packaging(&self.registry, Some(&self.project))
    }

    /// Builds an image and prints its reference; `written` is the target as the user wrote it.
    pub(super) fn run(
        &self,
        context: &Context,
        session: &Session,
        target: Option<Location>,
        written: Option<&str>,
    ) -> Result<()> {
        if let Some(target) = &target {
            session.registries.bind(target);
        }
        let in_registry = matches!(target, Some(Location::Registry(_)) | None);
        let output = match &target {
            Some(target) if !in_registry => Some(target.to_string()),
            _ => written.map(str::to_owned),
        };
        let request = PackageRequest {
            destination: Destination { output, keep_base_layers: !in_registry, target: None },
            selftest: self.selftest.then(|| Selftest { input: self.selftest_input.clone() }),
            ..self.project.packaging(self.lock_use)?
        };
        let plan = plan(session, &request)?;
        let (Some(target), false) = (target, self.dry_run) else {
            output::result(context.format, &plan.to_json(), |_| plan.lines().join("\n"));
            return Ok(());
        };
        let packaged = execute(session, plan, &target)?;
        let reference = &packaged.reference;
        let value = result(reference, &packaged.image);
        output::result(context.format, &value, |_| reference.to_string());
        Ok(())
    }
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
