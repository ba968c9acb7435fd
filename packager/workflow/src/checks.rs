//! Runs the checks of a project, stage by stage as more becomes known.

use mlpack_environment::{Inventory, Listed, LockedEnvironment, PythonVersion, Settings};
use mlpack_project::check::{self, Finding, Resolved, Severity, Subject};
use mlpack_project::image::Base;
use mlpack_project::script::EntryScript;

use crate::inputs::Inputs;
use crate::{Destination, Refusal, Result};

/// The base image of a project, and its interpreter as far as it is known.
#[derive(Clone, Copy)]
pub(crate) struct CheckContext<'a> {
    pub(crate) base: &'a Base,
    pub(crate) python: Option<PythonVersion>,
    /// The packages and what they contain, once they are resolved.
    pub(crate) packages: Option<(&'a LockedEnvironment, &'a Inventory)>,
}

/// The checks of one run.
pub(crate) struct Checks<'a> {
    inputs: &'a Inputs,
    listed: Option<Listed>,
    destination: &'a Destination,
    exclude_newer: Option<&'a str>,
    report: &'a mut dyn FnMut(&Finding),
    reported: Vec<Finding>,
}

impl<'a> Checks<'a> {
    pub(crate) fn new(
        inputs: &'a Inputs,
        destination: &'a Destination,
        settings: &'a Settings,
        report: &'a mut dyn FnMut(&Finding),
    ) -> Self {
        let listed = inputs.conda.as_ref();
        let listed = listed.map(|conda| Listed::of(conda, inputs.directory(), settings));
        let exclude_newer = settings.exclude_newer.as_deref();
        Self { inputs, listed, destination, exclude_newer, report, reported: Vec::new() }
    }

    /// Returns where findings go.
    pub(crate) fn report(&mut self) -> &mut dyn FnMut(&Finding) {
        self.report
    }

    /// Reports findings that are new, and fails if there are errors.
    pub(crate) fn run(&mut self, on: Option<CheckContext<'_>>) -> Result<()> {
        let project = &self.inputs.project;
        let python = on.and_then(|on| on.python);
        let script = EntryScript::load(&project.entry_script, python).ok();
        let facts = on.map(|on| &on.base.facts);
        let findings = check::run_all(&Subject {
            script: script.as_ref(),
            conda: self.inputs.conda.as_ref(),
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
            output: self.destination.output.as_deref(),
            target_is_azure: self.destination.azure,
            ..Subject::new(project)
        });
        let mut errors = 0;
        for finding in findings {
            errors += usize::from(finding.severity == Severity::Error);
            if !self.reported.contains(&finding) {
                (self.report)(&finding);
                self.reported.push(finding);
            }
        }
        if errors == 0 { Ok(()) } else { Err(Refusal::Findings { errors }.into()) }
    }
}
