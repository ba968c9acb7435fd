//! `mlpack check`: facts of a base with their evidence, and a policy's verdicts.

use mlpack_oci::{Digest, Location};
use mlpack_project::base::{BaseFacts, FactLine, Stage, Status, Verdict};
use serde::Serialize;

use super::base::{read_base, refusal};
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
    let image = context.open(&location, &args.platform, None)?;
    let digest = image.digest;
    let passes =
        |verdicts: &[Verdict]| verdicts.iter().all(|verdict| verdict.status != Status::Failed);
    let mut facts = BaseFacts::of_config(&image);
    let mut verdicts = policy.judge(Stage::Config, &facts);
    let read = passes(&verdicts);
    if read {
        facts = read_base(context, &location, image)?.facts;
        verdicts = policy.judge(Stage::Layers, &facts);
    }
    let passed = passes(&verdicts);
    let report = Report {
        image: args.base.clone(),
        digest,
        facts: facts.lines(),
        policy: &policy.name,
        verdicts,
        passed,
    };
    output::result(context.format, &report, text);
    if passed {
        Ok(())
    } else {
        let facts = read.then_some(&facts);
        Err(refusal(context, policy, &report.verdicts, facts, "use another base image"))
    }
}

/// An image as it was typed.
pub(crate) fn parse(text: &str) -> Result<Location> {
    text.parse().map_err(|error: mlpack_oci::LocationParseError| Failure::Usage {
        message: error.to_string(),
        hint: None,
    })
}

/// Verdicts as a table, hints below.
pub(crate) fn verdict_lines(verdicts: &[Verdict]) -> String {
    let rows = verdicts.iter().map(|verdict| {
        let status = match verdict.status {
            Status::Met => "ok",
            Status::Failed => "FAILED",
            Status::NotApplicable => "-",
            Status::Open => "?",
        };
        vec![
            status.to_owned(),
            verdict.requirement.clone(),
            match verdict.status {
                Status::Open => verdict.found.clone(),
                _ => format!("found {}", verdict.found),
            },
            format!("wanted {}", verdict.wanted),
        ]
    });
    let mut text = output::table(&[], rows);
    for verdict in verdicts {
        if let Some(hint) = &verdict.hint {
            text.push_str(&format!("\n{}: {hint}", verdict.requirement));
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
