//! `mlpack push`: pushes an image to a registry, or plans it.

use mlpack_oci::{Image, Location, Reference};
use mlpack_registry::{BlobAction, BlobOutcome, BlobPlan, Client, PushedBlob};
use mlpack_workflow::Session;
use serde_json::{Value, json};

use super::copy::report_left_out;
use crate::args::{PlatformArgs, RegistryArgs};
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::output::{self, Format, size};

const EXAMPLES: &str = "\
Examples:
  mlpack push oci:out registry.example.com/team/name:v1 registry.example.com/team/name:latest
  mlpack push oci:out registry.example.com/team/name:v1 --dry-run";

/// Push an image to a registry
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Image to push: a layout, an archive, or in the Docker engine
    image: String,
    /// Destinations; several tags of one repository are pushed only once
    #[arg(required = true, value_name = "REFERENCE")]
    references: Vec<String>,
    /// Print what would be done with each blob without sending anything
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    platform: PlatformArgs,
    #[command(flatten)]
    registry: RegistryArgs,
}

pub(super) fn run(context: &Context, args: &Args) -> Result<()> {
    let session = context.session(&args.registry)?;
    let source = session.locate(&args.image)?;
    let targets = args
        .references
        .iter()
        .map(|text| match session.locate(text)? {
            Location::Registry(reference) => Ok(reference),
            other => Err(Failure::usage(
                format!("{other} is not in a registry"),
                "use `mlpack copy` for other destinations",
            )),
        })
        .collect::<Result<Vec<Reference>>>()?;
    session.registries.bind(&Location::Registry(targets[0].clone()));
    let image = session.open(&source, &args.platform.platform, None)?;
    report_left_out(&session, &image);
    let client = session.registry(None)?;
    let push = Push { context, session: &session, client: &client, image: &image };
    let mut results = Vec::new();
    for (target, tags) in by_repository(&targets) {
        results.push(match args.dry_run {
            true => push.plan(target)?,
            false => push.send(target, &tags)?,
        });
    }
    // One document for programs: the result, or a list if there are several.
    if context.format == Format::Json {
        let value = if results.len() == 1 { results.remove(0) } else { Value::Array(results) };
        output::result(context.format, &value, |_| String::new());
    }
    Ok(())
}

/// An image on its way to a registry.
struct Push<'a> {
    context: &'a Context,
    session: &'a Session,
    client: &'a Client,
    image: &'a Image,
}

impl Push<'_> {
    fn send(&self, target: &Reference, tags: &[String]) -> Result<Value> {
        let progress = &*self.session.progress;
        let pushed = self.client.push(self.image, target, tags, progress);
        let pushed = self.session.runtime.block_on(pushed)?;
        let value = json!({
            "reference": pushed.pinned.to_string(),
            "digest": pushed.pinned.digest,
            "bytesSent": pushed.bytes_sent,
            "blobs": pushed.blobs.iter().map(blob).collect::<Vec<_>>(),
        });
        if self.context.format == Format::Text {
            output::line(&pushed.pinned.to_string());
        }
        progress.note(&format!("Sent {} to {target}", size(pushed.bytes_sent)));
        Ok(value)
    }

    fn plan(&self, target: &Reference) -> Result<Value> {
        let plan = self.session.runtime.block_on(self.client.plan_push(self.image, target))?;
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
        if self.context.format == Format::Text {
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
}

/// Groups references by repository: the first one with the tags of the others.
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

/// Returns what is done with a blob, how many bytes are sent, and a remark.
fn action(blob: &BlobPlan) -> (&'static str, u64, String) {
    match &blob.action {
        BlobAction::Present => ("present", 0, String::new()),
        BlobAction::Mount { from } => ("mount", 0, format!("from {from}")),
        BlobAction::Upload { resume_at: 0 } => ("upload", blob.size, String::new()),
        BlobAction::Upload { resume_at } => {
            let rest = blob.size.saturating_sub(*resume_at);
            ("upload", rest, format!("resumes at byte {resume_at}"))
        }
        BlobAction::Foreign => ("skip", 0, "registries do not store it".to_owned()),
    }
}
