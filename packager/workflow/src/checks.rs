//! Runs the checks of a project, one stage after the other.

use mlpack_project::check::{self, Finding, Needs, Severity, Subject};
use mlpack_requirements::Listed;

use crate::inputs::Inputs;
use crate::{Destination, Refusal, Result, Session};

/// What happens after a stage with errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnError {
    /// Nothing is downloaded for an image that will not be made.
    Stop,
    /// The other stages run too, so that all errors are found in one run.
    GoOn,
}

/// The checks of one run.
pub(crate) struct Checks<'a> {
    /// What is known; filled in before the stage that needs it runs.
    pub(crate) subject: Subject<'a>,
    /// Checks whose errors are warnings.
    allow: &'a [String],
    on_error: OnError,
    reported: Vec<Finding>,
    report: &'a mut dyn FnMut(&Finding),
}

impl<'a> Checks<'a> {
    pub(crate) fn new(
        session: &'a Session,
        inputs: &'a Inputs,
        destination: &'a Destination,
        allow: &'a [String],
        on_error: OnError,
        report: &'a mut dyn FnMut(&Finding),
    ) -> Self {
        let settings = &session.packages;
        let conda = inputs.conda.as_ref();
        let listed = conda.map(|conda| Listed::of(conda, inputs.directory(), &settings.variables));
        let mut subject = Subject::new(&inputs.project, conda, listed);
        subject.exclude_newer = settings.exclude_newer.as_deref();
        subject.output = destination.output.as_deref();
        subject.target = destination.target;
        Self { subject, allow, on_error, reported: Vec::new(), report }
    }

    /// Reports a finding, which may come from elsewhere, unless it was reported before.
    pub(crate) fn report(&mut self, mut finding: Finding) {
        if self.allow.iter().any(|name| name == finding.check) {
            finding.severity = Severity::Warning;
        }
        if !self.reported.contains(&finding) {
            (self.report)(&finding);
            self.reported.push(finding);
        }
    }

    /// Runs one stage and reports its findings. Fails if one of them is an error, unless the other
    /// stages run too.
    pub(crate) fn run(&mut self, stage: Needs) -> Result<()> {
        self.report_all(check::run(stage, &self.subject))
    }

    /// The same for the checks that look at lists of packages alone.
    pub(crate) fn run_of_packages(&mut self, stage: Needs) -> Result<()> {
        self.report_all(check::run_of_packages(stage, &self.subject))
    }

    fn report_all(&mut self, findings: Vec<Finding>) -> Result<()> {
        findings.into_iter().for_each(|finding| self.report(finding));
        match self.on_error {
            OnError::Stop => self.finish(),
            OnError::GoOn => Ok(()),
        }
    }

    /// Fails if an error was reported.
    pub(crate) fn finish(&self) -> Result<()> {
        let is_error = |finding: &&Finding| finding.severity == Severity::Error;
        match self.reported.iter().filter(is_error).count() {
            0 => Ok(()),
            errors => Err(Refusal::Findings { errors }.into()),
        }
    }

    /// Whether stages follow one with errors.
    pub(crate) fn goes_on(&self) -> bool {
        self.on_error == OnError::GoOn
    }
}
