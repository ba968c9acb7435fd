//! `mlpack package`: an image, and its pinned reference on standard output.

use mlpack_oci::Location;
use serde_json::json;

use super::check::parse;
use super::packaging::{Destination, assemble, prepare};
use crate::args::PackageArgs;
use crate::context::Context;
use crate::failure::Result;
use crate::output;

pub(crate) fn run(context: &Context, args: &PackageArgs) -> Result<()> {
    let target: Option<Location> = args.output.as_deref().map(parse).transpose()?;
    if let Some(target) = &target {
        context.log_in_to(target);
    }
    let destination = Destination {
        output: args.output.as_deref(),
        elsewhere: target.as_ref().is_some_and(|to| !matches!(to, Location::Registry(_))),
        target: None,
    };
    let prepared = prepare(context, &args.project, args.lock_use, destination)?;
    let (Some(target), false) = (target, args.dry_run) else {
        let plan = &prepared.plan;
        let value = json!({ "record": plan.record, "plan": plan.lines() });
        output::result(context.format, &value, |_| plan.lines().join("\n"));
        return Ok(());
    };
    let stage = context.stage(&target)?;
    let access = prepared.access.clone();
    let packaged = assemble(context, prepared, &stage)?;
    let image = &packaged.image;
    let pinned = context.put(image, &target, access.as_ref())?;
    stage.keep();
    let value = json!({
        "reference": pinned.to_string(),
        "digest": pinned.digest,
        "imageId": image.id,
        "layers": image.layers.iter().map(|layer| json!({
            "digest": layer.digest, "diffId": layer.diff_id, "size": layer.descriptor.size(),
        })).collect::<Vec<_>>(),
    });
    output::result(context.format, &value, |_| pinned.to_string());
    Ok(())
}
