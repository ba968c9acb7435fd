//! Runs the checks of a project, one stage after the other, and prints what they find.

use mlpack_environment::{CondaFile, Listed, Settings};
use mlpack_project::check::{self, Finding, Needs, Severity, Subject};
use mlpack_project::project::Project;
use serde_json::json;

use super::packaging::Destination;
use crate::args::Format;
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::output;

/// Runs checks and prints their findings.
pub(crate) struct CheckRunner<'a> {
    context: &'a Context,
    /// What is known; filled in before the stage that needs it runs.
    pub(crate) subject: Subject<'a>,
}

impl<'a> CheckRunner<'a> {
    pub(crate) fn new(
        context: &'a Context,
        project: &'a Project,
        conda: Option<&'a CondaFile>,
        destination: Destination<'a>,
        settings: &'a Settings,
    ) -> Self {
        let listed = conda.map(|conda| {
            let directory = conda.path.parent().unwrap_or(&project.context);
            Listed::of(conda, directory, settings)
        });
        let mut subject = Subject::new(project, conda, listed);
        subject.exclude_newer = settings.exclude_newer.as_deref();
        subject.output = destination.output;
        subject.target = destination.target;
        Self { context, subject }
    }

    /// Runs one stage of checks and prints its findings. Fails if one of them is an error.
    pub(crate) fn run(&self, stage: Needs) -> Result<()> {
        let findings = check::run(stage, &self.subject);
        findings.iter().for_each(|finding| print_finding(self.context, finding));
        let errors = findings.iter().filter(|finding| finding.severity == Severity::Error).count();
        if errors == 0 {
            return Ok(());
        }
        Err(Failure::Refused {
            message: format!(
                "the project has {errors} error{}",
                if errors == 1 { "" } else { "s" }
            ),
            hint: "follow the hints above and run the command again; nothing was written"
                .to_owned(),
        })
    }
}

fn print_finding(context: &Context, finding: &Finding) {
    if context.format == Format::Json {
        output::error_line(&json!({ "finding": finding }).to_string());
        return;
    }
    let word = match finding.severity {
        Severity::Error => output::red("error"),
        Severity::Warning => output::yellow("warning"),
    };
    let place = finding.place.as_ref().map(|(path, line)| {
        let line = if *line > 0 { format!(":{line}") } else { String::new() };
        format!("{}{line}: ", path.display())
    });
    output::error_line(&format!(
        "{word}[{}]: {}{}\n  hint: {}",
        finding.check,
        place.unwrap_or_default(),
        finding.message,
        finding.hint
    ));
}
