//! `mlpack check`: checks a project without packaging it.

use std::path::PathBuf;

use mlpack_oci::pending::write_durably;
use mlpack_project::check::{Finding, Severity};
use mlpack_workflow::counted;
use mlpack_workflow::fix::FileFix;
use mlpack_workflow::package::{UNREAD, check};
use serde_json::json;

use super::base;
use crate::args::{LockUseArgs, ProjectArgs, RegistryArgs};
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::render::sarif;
use crate::{output, render};

const EXAMPLES: &str = "\
Examples:
  mlpack check --ic inferenceconfig.json -m model=model.pkl
  mlpack check --es score.py --cf environment.yml --bi python:3.11-slim --policy current
  mlpack check --ic inferenceconfig.json -m model=model.pkl --format json
  mlpack check --ic inferenceconfig.json -m model=model.pkl --sarif mlpack.sarif
  mlpack check --ic inferenceconfig.json -m model=model.pkl --fix

Runs every check of `mlpack package`: of the project, on its base image, and of its packages,
which may be downloaded. Errors in one do not hide those in the next. Exits with 3 if there is an
error. See `mlpack base check` to check a base image.";

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
    /// Write the findings to a file in SARIF 2.1.0 too, for editors and code scanning
    #[arg(long, value_name = "FILE")]
    sarif: Option<PathBuf>,
    /// Change the lines of the project's files whose mending needs no decision: builds and packages
    /// of another platform, imports of modules that have moved. The changes are printed as a diff,
    /// and the checks run again
    #[arg(long)]
    fix: bool,
    /// Print what --fix would change, and change nothing
    #[arg(long, conflicts_with = "fix")]
    diff: bool,
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
    let request = args.project.packaging(args.lock_use)?;
    let mut report = check(&session, &request);
    if args.fix || args.diff {
        let fixes = FileFix::of(&report.findings)?;
        let diff: String = fixes.iter().map(|fix| fix.diff(&session.cwd)).collect();
        let lines: usize = fixes.iter().map(FileFix::count).sum();
        if args.diff {
            output::result(context.format, &json!({ "diff": diff, "lines": lines }), |_| {
                diff.trim_end().to_owned()
            });
            // What cannot be read has no other changes yet.
            let is_unread = |of: &&Finding| of.check == UNREAD && of.edits.is_empty();
            let unread: Vec<_> = report.findings.iter().filter(is_unread).collect();
            unread.iter().for_each(|finding| session.reporter.finding(finding));
            let fails = report.findings.is_empty() || !unread.is_empty();
            let failure = report.failure.filter(|_| fails);
            return failure.map_or(Ok(()), |failure| Err(failure.into()));
        }
        if lines > 0 {
            output::error_line(diff.trim_end());
            fixes.iter().try_for_each(FileFix::apply)?;
            output::error_line(&format!("changed {}", counted(lines, "line")));
            report = check(&session, &request);
        }
    }
    let mut value = json!({ "findings": report.findings, "passed": report.failure.is_none() });
    if let Some(error) = &report.unchecked {
        value["unchecked"] = json!(error.to_string());
    }
    // A run that ends before the first check has no result.
    if report.failure.is_none() || !report.findings.is_empty() {
        output::result(context.format, &value, |_| text(&report.findings));
    }
    if let Some(error) = &report.unchecked {
        output::warning(context.format, &format!("other checks could not run: {error}"));
    }
    if let Some(path) = &args.sarif {
        let path = session.cwd.join(path);
        let log = sarif::log(&report.findings, &session.cwd);
        write_durably(&path, &log).map_err(Failure::io("write", path.display()))?;
    }
    report.failure.map_or(Ok(()), |failure| Err(failure.into()))
}

fn text(findings: &[Finding]) -> String {
    let mut lines: Vec<_> = findings.iter().map(render::finding).collect();
    let errors = findings.iter().filter(|finding| finding.severity == Severity::Error).count();
    lines.push(format!(
        "{}, {}",
        counted(errors, "error"),
        counted(findings.len() - errors, "warning")
    ));
    lines.join("\n")
}
