//! `mlpack inspect`: shows the contents of an image.

use mlpack_oci::rootfs::{LayerIndex, RootFs};
use mlpack_oci::{Image, Location};
use mlpack_project::base::BaseFacts;
use mlpack_project::image::inspect::{Inspection, sizes};
use serde_json::json;

use crate::args::{IMAGES, PlatformArgs, RegistryArgs};
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::{output, render};

/// Number of packages and directories that `--sizes` lists.
const LARGEST: usize = 20;

const EXAMPLES: &str = "\
Examples:
  mlpack inspect oci:out
  mlpack inspect registry.example.com/team/name:v1 --layers
  mlpack inspect docker:my-service:v1 --files
";

/// Show the contents of an image
#[derive(Debug, clap::Args)]
#[command(after_help = format!("{EXAMPLES}\n{IMAGES}"))]
pub(crate) struct Args {
    /// Image to inspect
    #[arg(required_unless_present = "files")]
    image: Option<String>,
    /// List the files of all layers, or of one by number or digest
    #[arg(long, value_name = "LAYER", num_args = 0..=1, default_missing_value = "", conflicts_with = "sizes")]
    files: Option<String>,
    /// List the largest packages and directories
    #[arg(long)]
    sizes: bool,
    /// Read the layers of an image in a registry too
    #[arg(long)]
    layers: bool,
    #[command(flatten)]
    platform: PlatformArgs,
    #[command(flatten)]
    registry: RegistryArgs,
}

pub(super) fn run(context: &Context, args: &Args) -> Result<()> {
    let session = context.session(&args.registry)?;
    // What follows `--files` is the image, if nothing else is.
    let (name, layer) = match (&args.image, &args.files) {
        (Some(image), layer) => (image.as_str(), layer.as_deref()),
        (None, layer) => (layer.as_deref().unwrap_or_default(), Some("")),
    };
    let location = session.locate(name)?;
    let image = session.open(&location, &args.platform.platform, None)?;
    let indexes = || session.indexes(&image);
    if let Some(layer) = layer {
        return files(context, &image, layer, &indexes()?);
    }
    if args.sizes {
        let largest = sizes(&RootFs::merge(&indexes()?), LARGEST);
        output::result(context.format, &largest, render::largest);
        return Ok(());
    }
    let mut inspection = Inspection::of(&image);
    let remote = matches!(location, Location::Registry(_));
    // The label of an image that mlpack made describes it; the layers of others are read if that
    // needs no download.
    if args.layers || (inspection.mlpack.is_none() && !remote) {
        let indexes = indexes()?;
        let root = RootFs::merge(&indexes);
        inspection.add_layers(&BaseFacts::read(&image, &root), &root, &indexes);
    }
    let unread = inspection.mlpack.is_none() && remote && !args.layers;
    output::result(context.format, &inspection, |inspection| render::inspection(name, inspection));
    if unread {
        session.progress.note("the layers were not read: add --layers for facts and packages");
    }
    Ok(())
}

fn files(context: &Context, image: &Image, wanted: &str, indexes: &[LayerIndex]) -> Result<()> {
    let chosen: Vec<usize> = image
        .layers
        .iter()
        .enumerate()
        .filter(|(number, layer)| {
            let digest = layer.digest.to_string();
            wanted.is_empty()
                || wanted.parse() == Ok(number + 1)
                || digest.starts_with(wanted)
                || (wanted.len() >= 4 && digest["sha256:".len()..].starts_with(wanted))
        })
        .map(|(number, _)| number)
        .collect();
    if chosen.is_empty() {
        return Err(Failure::usage(
            format!("there is no layer `{wanted}`"),
            format!("give a number from 1 to {} or the beginning of a digest", image.layers.len()),
        ));
    }
    let entries: Vec<_> = chosen
        .iter()
        .flat_map(|&number| {
            indexes[number].entries.iter().map(move |(path, entry)| (number + 1, path, entry))
        })
        .collect();
    let value: Vec<_> = entries
        .iter()
        .map(|(number, path, entry)| json!({ "layer": number, "path": format!("/{path}"), "mode": format!("{:o}", entry.mode), "entry": entry.kind }))
        .collect();
    output::result(context.format, &value, |_| {
        let lines =
            entries.iter().map(|(number, path, entry)| render::file_line(*number, path, entry));
        lines.collect::<Vec<_>>().join("\n")
    });
    Ok(())
}
