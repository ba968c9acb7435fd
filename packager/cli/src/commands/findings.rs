//! What the checks find, printed as it is found.

use mlpack_install::Inventory;
use mlpack_lock::LockedEnvironment;
use mlpack_packages::Settings;
use mlpack_project::check::{self, Finding, Resolved, Severity, Subject};
use mlpack_project::image::Base;
use mlpack_project::project::Project;
use mlpack_project::script::EntryScript;
use mlpack_requirements::{CondaFile, Listed, PythonVersion};
use serde_json::json;

use super::packaging::Destination;
use crate::args::Format;
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::output;

/// The base a project will stand on, and the interpreter as far as it is known.
#[derive(Clone, Copy)]
pub(crate) struct CheckContext<'a> {
    pub(crate) base: &'a Base,
    pub(crate) python: Option<PythonVersion>,
    /// The packages and what they hold, once they are at hand.
    pub(crate) packages: Option<(&'a LockedEnvironment, &'a Inventory)>,
}

/// Holds the checks against a project, again as more is known of it.
pub(crate) struct Judge<'a> {
    context: &'a Context,
    project: &'a Project,
    conda: Option<&'a CondaFile>,
    listed: Option<Listed>,
    destination: Destination<'a>,
    exclude_newer: Option<&'a str>,
    printed: Vec<Finding>,
}

impl<'a> Judge<'a> {
    pub(crate) fn new(
        context: &'a Context,
        project: &'a Project,
        conda: Option<&'a CondaFile>,
        destination: Destination<'a>,
        settings: &'a Settings,
    ) -> Self {
        let listed = conda.map(|conda| {
            let directory = conda.path.parent().unwrap_or(&project.context);
            Listed::of(conda, directory, &settings.variables)
        });
        let exclude_newer = settings.exclude_newer.as_deref();
        Self { context, project, conda, listed, destination, exclude_newer, printed: Vec::new() }
    }

    /// Prints findings that were not printed yet, and stops at errors.
    pub(crate) fn judge(&mut self, on: Option<CheckContext<'_>>) -> Result<()> {
        let python = on.and_then(|on| on.python);
        let script = EntryScript::load(&self.project.entry_script, python).ok();
        let facts = on.map(|on| &on.base.facts);
        let findings = check::run_all(&Subject {
            script: script.as_ref(),
            conda: self.conda,
            listed: self.listed.as_ref(),
            python,
            resolved: on.and_then(|on| {
                let (environment, inventory) = on.packages?;
                let (root, env) = (&on.base.root, on.base.facts.env.as_slice());
                Some(Resolved { environment, inventory, root, env })
            }),
            exclude_newer: self.exclude_newer,
            will_resolve: true,
            // Until the base is known it may have Spark; afterwards its facts say so.
            base_has_spark: facts.is_none_or(|facts| facts.spark.is_some()),
            base_cuda: facts.and_then(|facts| facts.cuda.as_ref()).map(|cuda| cuda.value.as_str()),
            output: self.destination.output,
            target_is_azure: self.destination.azure,
            ..Subject::new(self.project)
        });
        let mut errors = 0;
        for finding in findings {
            errors += usize::from(finding.severity == Severity::Error);
            if !self.printed.contains(&finding) {
                print_finding(self.context, &finding);
                self.printed.push(finding);
            }
        }
        if errors == 0 {
            return Ok(());
        }
        Err(Failure::Refused {
            message: format!(
                "the project has {errors} error{}",
                if errors == 1 { "" } else { "s" }
            ),
            hint: "follow the remedies above and run the command again; nothing was written"
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
        "{word}[{}]: {}{}\n  remedy: {}",
        finding.check,
        place.unwrap_or_default(),
        finding.message,
        finding.remedy
    ));
}
