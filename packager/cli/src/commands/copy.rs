//! `mlpack copy`: copies an image between registries, archives, layouts and the Docker engine.

use mlpack_oci::{Image, PinnedReference};
use mlpack_workflow::Session;
use serde_json::json;

use crate::args::{IMAGES, PlatformArgs, RegistryArgs};
use crate::context::Context;
use crate::failure::Result;
use crate::output;

const EXAMPLES: &str = "\
Examples:
  mlpack copy python:3.11-slim oci-archive:base.tar
  mlpack copy oci:out docker:my-service:v1
";

/// Copy an image between registries, archives and Docker
#[derive(Debug, clap::Args)]
#[command(after_help = format!("{EXAMPLES}\n{IMAGES}"))]
pub(crate) struct Args {
    /// Image to copy
    source: String,
    /// Destination
    destination: String,
    #[command(flatten)]
    platform: PlatformArgs,
    #[command(flatten)]
    registry: RegistryArgs,
}

pub(super) fn run(context: &Context, args: &Args) -> Result<()> {
    let session = context.session(&args.registry)?;
    let source = session.locate(&args.source)?;
    let destination = session.locate(&args.destination)?;
    session.registries.bind(&destination);
    let image = session.open(&source, &args.platform.platform, None)?;
    report_left_out(&session, &image);
    pinned(context, &session.put(&image, &destination, None)?);
    Ok(())
}

/// Reports what the image's index has for other platforms: one image is copied.
pub(super) fn report_left_out(session: &Session, image: &Image) {
    if !image.left_out.is_empty() {
        session.reporter.warning(&format!(
            "only the image for {} is taken; the index has {} too: choose with --platform",
            image.platform(),
            image.left_out.join(", ")
        ));
    }
}

/// Prints where an image is now.
pub(super) fn pinned(context: &Context, pinned: &PinnedReference) {
    let value = json!({ "reference": pinned.to_string(), "digest": pinned.digest });
    output::result(context.format, &value, |_| pinned.to_string());
}
