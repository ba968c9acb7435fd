//! Runs the checks of a project, one stage after the other.

use mlpack_project::check::{self, Finding, Needs, Severity, Subject};
use mlpack_requirements::Listed;

use crate::inputs::Inputs;
use crate::{Destination, Refusal, Result, Session};

/// The checks of one run.
pub(crate) struct Checks<'a> {
    /// What is known; filled in before the stage that needs it runs.
    pub(crate) subject: Subject<'a>,
    /// Checks whose errors are warnings.
    allow: &'a [String],
    report: &'a mut dyn FnMut(&Finding),
}

impl<'a> Checks<'a> {
    pub(crate) fn new(
        session: &'a Session,
        inputs: &'a Inputs,
        destination: &'a Destination,
        allow: &'a [String],
        report: &'a mut dyn FnMut(&Finding),
    ) -> Self {
        let settings = &session.packages;
        let conda = inputs.conda.as_ref();
        let listed = conda.map(|conda| Listed::of(conda, inputs.directory(), &settings.variables));
        let mut subject = Subject::new(&inputs.project, conda, listed);
        subject.exclude_newer = settings.exclude_newer.as_deref();
        subject.output = destination.output.as_deref();
        subject.target = destination.target;
        Self { subject, allow, report }
    }

    /// Reports a finding that comes from elsewhere.
    pub(crate) fn report(&mut self, finding: &Finding) {
        (self.report)(finding);
    }

    /// Runs one stage and reports its findings. Fails if one of them is an error.
    pub(crate) fn run(&mut self, stage: Needs) -> Result<()> {
        let mut findings = check::run(stage, &self.subject);
        for finding in &mut findings {
            if self.allow.iter().any(|name| name == finding.check) {
                finding.severity = Severity::Warning;
            }
        }
        findings.iter().for_each(|finding| (self.report)(finding));
        let errors = findings.iter().filter(|finding| finding.severity == Severity::Error).count();
        if errors == 0 { Ok(()) } else { Err(Refusal::Findings { errors }.into()) }
    }
}
