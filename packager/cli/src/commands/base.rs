//! The base image of a command: found, read, held to its policy.

use std::sync::Arc;

use mlpack_oci::rootfs::RootFs;
use mlpack_oci::{BlobStore, CachingBlobs, Image, Location};
use mlpack_project::base::{BaseFacts, Policy, Stage, Status, Verdict};
use mlpack_project::image::{Base, PolicyRecord};
use mlpack_project::project::Project;
use serde_json::json;

use super::check::{parse, verdict_lines};
use crate::args::{Format, ProjectArgs};
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::output;

/// Reads the layers of a base, those that no one has read yet.
pub(crate) fn read_base(context: &Context, location: &Location, image: Image) -> Result<Base> {
    let indexes = context.indexes().indexes(&image, context.threads, &*context.progress)?;
    let root = RootFs::merge(&indexes);
    let facts = BaseFacts::read(&image, &root);
    // Only names that lead to the same image elsewhere may stand in what is built on it.
    let name = match location {
        Location::Registry(reference) => Some(reference.to_string()),
        _ => None,
    };
    Ok(Base { name, image, root, facts })
}

/// The base, read and held to its policy. What is read of a base far away is kept in `keep`.
pub(crate) fn base(
    context: &Context,
    args: &ProjectArgs,
    project: &Project,
    keep: Option<&BlobStore>,
) -> Result<(Base, PolicyRecord, bool)> {
    let policy = context.catalogue.policy(&args.policy)?;
    unknown_allowances(policy, &args.allow)?;
    let reference = match project.base_reference() {
        Some(reference) => reference,
        None => default_base(context, project)?,
    };
    let azure_only = context.catalogue.known(&reference).is_some_and(|known| known.azure_only);
    let location: Location = parse(&reference)?;
    let mut image = context.open(&location, &args.platform, project.registry.as_ref())?;
    let verdicts = policy.judge(Stage::Config, &BaseFacts::of_config(&image));
    refuse(context, args, policy, &reference, &verdicts, None)?;
    if let (Some(store), Location::Registry(_)) = (keep, &location) {
        image.blobs = Arc::new(CachingBlobs::new(image.blobs, store.clone()));
    }
    let base = read_base(context, &location, image)?;
    let verdicts = policy.judge(Stage::Layers, &base.facts);
    refuse(context, args, policy, &reference, &verdicts, Some(&base.facts))?;
    let allowed = |verdict: &&Verdict| verdict.status == Status::Failed;
    let allowed: Vec<String> =
        verdicts.iter().filter(allowed).map(|verdict| verdict.requirement.clone()).collect();
    for name in &allowed {
        let text = format!(
            "the base does not meet the requirement `{name}` of policy `{}`, which --allow ignores",
            policy.name
        );
        output::warning(context.format, &text);
    }
    let record = PolicyRecord { name: policy.name.clone(), verdicts, allowed };
    Ok((base, record, azure_only))
}

/// Stops where a requirement failed that `--allow` does not name.
fn refuse(
    context: &Context,
    args: &ProjectArgs,
    policy: &Policy,
    reference: &str,
    verdicts: &[Verdict],
    facts: Option<&BaseFacts>,
) -> Result<()> {
    let refused = verdicts.iter().any(|verdict| {
        verdict.status == Status::Failed && !args.allow.contains(&verdict.requirement)
    });
    if !refused {
        return Ok(());
    }
    match context.format {
        Format::Json => output::error_line(&json!({ "verdicts": verdicts }).to_string()),
        Format::Text => {
            output::error_line(&format!("base image {reference}\n{}", verdict_lines(verdicts)));
        }
    }
    Err(refusal(
        context,
        policy,
        verdicts,
        facts,
        "use another base image, ignore a requirement with --allow",
    ))
}

fn unknown_allowances(policy: &Policy, allow: &[String]) -> Result<()> {
    let known: Vec<_> = policy.names().collect();
    match allow.iter().find(|name| !known.contains(&name.as_str())) {
        None => Ok(()),
        Some(name) => Err(Failure::usage(
            format!("--allow {name}: the policy `{}` has no such requirement", policy.name),
            format!("it has {}", known.join(", ")),
        )),
    }
}

fn default_base(context: &Context, project: &Project) -> Result<String> {
    let runtime = project.runtime.to_string();
    let known = context.catalogue.default_for(&runtime, project.gpu).ok_or_else(|| {
        Failure::usage(
            format!(
                "the catalogue has no default base image for runtime {runtime}{}",
                if project.gpu { " with GPU" } else { "" }
            ),
            "name one with --base-image",
        )
    })?;
    context
        .progress
        .note(&format!("base image {} (the catalogue's for {runtime})", known.reference));
    Ok(known.reference.clone())
}

/// The failure of a base that does not meet a policy. `facts` are those of its layers.
pub(crate) fn refusal(
    context: &Context,
    policy: &Policy,
    verdicts: &[Verdict],
    facts: Option<&BaseFacts>,
    otherwise: &str,
) -> Failure {
    let other = facts.and_then(|facts| context.catalogue.accepting(facts).first().copied());
    let failed: Vec<_> = verdicts
        .iter()
        .filter(|verdict| verdict.status == Status::Failed)
        .map(|verdict| verdict.requirement.as_str())
        .collect();
    Failure::Refused {
        message: format!(
            "the base image does not meet the policy `{}`: {}",
            policy.name,
            failed.join(", ")
        ),
        hint: match other {
            Some(Policy { name, .. }) => {
                format!("this base meets the policy `{name}`: pass `--policy {name}`")
            }
            None => {
                format!("{otherwise}, or use another policy with --policy (see `mlpack bases`)")
            }
        },
    }
}
