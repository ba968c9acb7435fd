//! `mlpack push`, `pull` and `copy`: images between registries, files and the Docker engine.

use mlpack_oci::{Image, Location, PinnedReference, Reference};
use mlpack_registry::{BlobAction, BlobOutcome, BlobPlan, Client, PushedBlob};
use serde_json::{Value, json};

use super::check::parse;
use crate::args::{CopyArgs, Format, PullArgs, PushArgs};
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::output::{self, size};

pub(crate) fn push(context: &Context, args: &PushArgs) -> Result<()> {
    let source = parse(&args.image)?;
    let targets = args
        .references
        .iter()
        .map(|text| match parse(text)? {
            Location::Registry(reference) => Ok(reference),
            other => Err(Failure::usage(
                format!("{other} is not in a registry"),
                "use `mlpack copy` for other places",
            )),
        })
        .collect::<Result<Vec<Reference>>>()?;
    context.log_in_to(&Location::Registry(targets[0].clone()));
    let image = context.open(&source, &args.platform, None)?;
    let client = context.registry(None)?;
    let mut results = Vec::new();
    for (target, tags) in by_repository(&targets) {
        results.push(match args.dry_run {
            true => plan(context, &client, &image, target)?,
            false => send(context, &client, &image, target, &tags)?,
        });
    }
    // One document for programs: the result, or a list where there are several.
    if context.format == Format::Json {
        let value = if results.len() == 1 { results.remove(0) } else { Value::Array(results) };
        output::result(context.format, &value, |_| String::new());
    }
    Ok(())
}

pub(crate) fn pull(context: &Context, args: &PullArgs) -> Result<()> {
    let source = parse(&args.reference)?;
    if !matches!(source, Location::Registry(_)) {
        return Err(Failure::usage(
            format!("{source} is not in a registry"),
            "use `mlpack copy` for other places",
        ));
    }
    let image = context.open(&source, &args.platform, None)?;
    pinned(context, &context.put(&image, &parse(&args.output)?, None)?);
    Ok(())
}

pub(crate) fn copy(context: &Context, args: &CopyArgs) -> Result<()> {
    let (source, destination) = (parse(&args.source)?, parse(&args.destination)?);
    context.log_in_to(&destination);
    let image = context.open(&source, &args.platform, None)?;
    pinned(context, &context.put(&image, &destination, None)?);
    Ok(())
}

fn pinned(context: &Context, pinned: &PinnedReference) {
    let value = json!({ "reference": pinned.to_string(), "digest": pinned.digest });
    output::result(context.format, &value, |_| pinned.to_string());
}

/// References of one repository together: the first with the tags of the others.
fn by_repository(targets: &[Reference]) -> Vec<(&Reference, Vec<String>)> {
    let mut grouped: Vec<(&Reference, Vec<String>)> = Vec::new();
    for target in targets {
        let same = grouped.iter_mut().find(|(first, _)| {
            (first.registry(), first.repository()) == (target.registry(), target.repository())
        });
        match same {
            Some((_, tags)) => tags.extend(target.tag().map(str::to_owned)),
            None => grouped.push((target, Vec::new())),
        }
    }
    grouped
}

fn send(
    context: &Context,
    client: &Client,
    image: &Image,
    target: &Reference,
    tags: &[String],
) -> Result<Value> {
    let pushed = context.runtime.block_on(client.push(image, target, tags, &*context.progress))?;
    let value = json!({
        "reference": pushed.pinned.to_string(),
        "digest": pushed.pinned.digest,
        "bytesSent": pushed.bytes_sent,
        "blobs": pushed.blobs.iter().map(blob).collect::<Vec<_>>(),
    });
    if context.format == Format::Text {
        output::line(&pushed.pinned.to_string());
    }
    context.progress.note(&format!("{} sent to {target}", size(pushed.bytes_sent)));
    Ok(value)
}

fn blob(blob: &PushedBlob) -> Value {
    let outcome = match &blob.outcome {
        BlobOutcome::Present => json!("present"),
        BlobOutcome::Mounted { from } => json!({ "mounted": from }),
        BlobOutcome::Uploaded { resumed_at, sent } => {
            json!({ "uploaded": { "resumedAt": resumed_at, "sent": sent } })
        }
        BlobOutcome::Foreign => json!("foreign"),
    };
    json!({ "role": blob.role.to_string(), "digest": blob.digest, "size": blob.size, "outcome": outcome })
}

fn plan(context: &Context, client: &Client, image: &Image, target: &Reference) -> Result<Value> {
    let plan = context.runtime.block_on(client.plan_push(image, target))?;
    let action = |blob: &BlobPlan| match &blob.action {
        BlobAction::Present => ("present", 0, String::new()),
        BlobAction::Mount { from } => ("mount", 0, format!("from {from}")),
        BlobAction::Upload { resume_at: 0 } => ("upload", blob.size, String::new()),
        BlobAction::Upload { resume_at } => {
            ("upload", blob.size.saturating_sub(*resume_at), format!("goes on at byte {resume_at}"))
        }
        BlobAction::Foreign => ("leave out", 0, "registries do not hold it".to_owned()),
    };
    let rows: Vec<_> = plan.iter().map(|blob| (blob, action(blob))).collect();
    let total: u64 = rows.iter().map(|(_, (_, bytes, _))| bytes).sum();
    let value = json!({
        "target": target.to_string(),
        "bytesToSend": total,
        "blobs": rows.iter().map(|(blob, (action, bytes, remark))| json!({
            "role": blob.role.to_string(), "digest": blob.digest, "size": blob.size,
            "action": action, "bytesToSend": bytes, "remark": remark,
        })).collect::<Vec<_>>(),
    });
    if context.format == Format::Text {
        let lines = rows.iter().map(|(blob, (action, bytes, remark))| {
            vec![
                blob.role.to_string(),
                blob.digest.to_string(),
                size(blob.size),
                (*action).to_owned(),
                size(*bytes),
                remark.clone(),
            ]
        });
        let table = output::table(&["BLOB", "DIGEST", "SIZE", "ACTION", "TO SEND", ""], lines);
        output::line(&format!("{target}\n{table}\n{} to send", size(total)));
    }
    Ok(value)
}
