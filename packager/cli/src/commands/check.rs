//! `mlpack check`: checks a project without packaging it.

use mlpack_project::check::{Finding, Severity};
use mlpack_workflow::package::check;
use serde_json::json;

use super::base;
use crate::args::{LockUseArgs, ProjectArgs, RegistryArgs};
use crate::context::Context;
use crate::failure::Result;
use crate::{output, render};

const EXAMPLES: &str = "\
Examples:
  mlpack check --ic inferenceconfig.json -m model=model.pkl
  mlpack check --es score.py --cf environment.yml --bi python:3.11-slim --policy current
  mlpack check --ic inferenceconfig.json -m model=model.pkl --format json

Runs every check of `mlpack package`: of the project, on its base image, and of its packages,
which may be downloaded. Exits with 3 if there is an error. See `mlpack base check` to check a
base image.";

/// Check a project without building an image
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    project: ProjectArgs,
    #[command(flatten)]
    lock_use: LockUseArgs,
    #[command(flatten)]
    registry: RegistryArgs,
    /// A base image, as this verb took it in earlier versions
    #[arg(hide = true)]
    base: Option<String>,
}

pub(super) fn run(context: &Context, args: &Args) -> Result<()> {
    if let Some(image) = &args.base {
        let text = format!("`mlpack check {image}` is now `mlpack base check {image}`");
        output::warning(context.format, &text);
        let request = args.project.base_check(image);
        return base::report(context, &context.session(&args.registry)?, request);
    }
    let session = context.packaging(&args.registry, Some(&args.project))?;
    let report = check(&session, &args.project.packaging(args.lock_use)?)?;
    let value = json!({ "findings": report.findings, "passed": report.refusal.is_none() });
    output::result(context.format, &value, |_| text(&report.findings));
    report.refusal.map_or(Ok(()), |refusal| Err(refusal.into()))
}

fn text(findings: &[Finding]) -> String {
    let mut lines: Vec<_> = findings.iter().map(render::finding).collect();
    let errors = findings.iter().filter(|finding| finding.severity == Severity::Error).count();
    let counted =
        |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
    lines.push(format!(
        "{}, {}",
        counted(errors, "error"),
        counted(findings.len() - errors, "warning")
    ));
    lines.join("\n")
}
