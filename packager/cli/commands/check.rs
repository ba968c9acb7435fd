//! `mlpack check`: facts of a base with their evidence, and a policy's verdicts.

use mlpack_build::base::{BaseFacts, FactLine, Policy, Status, Verdict};
use mlpack_build::image::Base;
use mlpack_oci::rootfs::RootFs;
use mlpack_oci::{Digest, Location, Platform};
use serde::Serialize;

use crate::args::CheckArgs;
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::output;

#[derive(Serialize)]
struct Report<'a> {
    image: String,
    digest: Digest,
    facts: Vec<FactLine>,
    policy: &'a str,
    verdicts: Vec<Verdict>,
    passed: bool,
}

pub(crate) fn run(context: &Context, args: &CheckArgs) -> Result<()> {
    let policy = context.catalogue.policy(&args.policy)?;
    let location: Location = parse(&args.base)?;
    let base = read_base(context, &location, &args.platform, None)?;
    let verdicts = policy.judge(&base.facts);
    let passed = verdicts.iter().all(|verdict| verdict.status != Status::Failed);
    let report = Report {
        image: args.base.clone(),
        digest: base.image.digest,
        facts: base.facts.lines(),
        policy: &policy.name,
        verdicts,
        passed,
    };
    output::result(context.format, &report, text);
    if passed {
        Ok(())
    } else {
        Err(refusal(policy, &report.verdicts, "choose another base image"))
    }
}

/// Opens a base and reads its layers, those that no one has read yet.
pub(crate) fn read_base(
    context: &Context,
    location: &Location,
    platform: &Platform,
    access: Option<&mlpack_build::project::RegistryAccess>,
) -> Result<Base> {
    let image = context.open(location, platform, access)?;
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

/// An image as it was typed.
pub(crate) fn parse(text: &str) -> Result<Location> {
    text.parse().map_err(|error: mlpack_oci::LocationParseError| Failure::Usage {
        message: error.to_string(),
        hint: None,
    })
}

/// The failure of a base that does not do.
pub(crate) fn refusal(policy: &Policy, verdicts: &[Verdict], way_out: &str) -> Failure {
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
        hint: format!("{way_out}, or another policy with --policy (`mlpack bases` lists them)"),
    }
}

/// Verdicts as a table, remedies below.
pub(crate) fn verdict_lines(verdicts: &[Verdict]) -> String {
    let rows = verdicts.iter().map(|verdict| {
        let status = match verdict.status {
            Status::Met => "ok",
            Status::Failed => "FAILED",
            Status::NotApplicable => "-",
        };
        vec![
            status.to_owned(),
            verdict.requirement.clone(),
            format!("found {}", verdict.found),
            format!("wanted {}", verdict.wanted),
        ]
    });
    let mut text = output::table(&[], rows);
    for verdict in verdicts {
        if let Some(remedy) = &verdict.remedy {
            text.push_str(&format!("\n{}: {remedy}", verdict.requirement));
        }
    }
    text
}

/// Facts as a table.
pub(crate) fn fact_lines(facts: &[FactLine]) -> String {
    let rows = facts.iter().map(|fact| {
        vec![
            fact.name.clone(),
            fact.value.clone(),
            format!("{} {}", fact.digest.short(), fact.path),
        ]
    });
    output::table(&["FACT", "VALUE", "READ FROM"], rows)
}

fn text(report: &Report<'_>) -> String {
    format!(
        "{}@{}\n\n{}\n\npolicy {}\n{}",
        report.image,
        report.digest,
        fact_lines(&report.facts),
        report.policy,
        verdict_lines(&report.verdicts),
    )
}
