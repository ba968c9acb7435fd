//! `mlpack pull`: copies an image from a registry.

use mlpack_oci::Location;

use super::copy::pinned;
use crate::args::{PlatformArgs, RegistryArgs};
use crate::context::Context;
use crate::failure::{Failure, Result};

const EXAMPLES: &str = "\
Examples:
  mlpack pull python:3.11-slim -o oci:base
  mlpack pull registry.example.com/team/name:v1 -o docker:name:v1";

/// Pull an image from a registry
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Image in a registry
    reference: String,
    /// Destination: `oci:DIR[:TAG]`, `oci-archive:FILE`, `docker-archive:FILE` or `docker:NAME`
    #[arg(long, short, value_name = "IMAGE")]
    output: String,
    #[command(flatten)]
    platform: PlatformArgs,
    #[command(flatten)]
    registry: RegistryArgs,
}

pub(super) fn run(context: &Context, args: &Args) -> Result<()> {
    let session = context.session(&args.registry)?;
    let source = session.locate(&args.reference)?;
    if !matches!(source, Location::Registry(_)) {
        return Err(Failure::usage(
            format!("{source} is not in a registry"),
            "use `mlpack copy` for other sources",
        ));
    }
    let destination = session.locate(&args.output)?;
    let image = session.open(&source, &args.platform.platform, None)?;
    pinned(context, &session.put(&image, &destination, None)?);
    Ok(())
}
