//! Runs the checks of a project, one stage after the other.

use std::path::Path;

use mlpack_project::check::{self, Edit, Finding, Needs, Severity, Subject};
use mlpack_project::project::Project;
use mlpack_requirements::{Error as FileError, Listed};

use crate::inputs::Inputs;
use crate::{Destination, Refusal, Result, Session};

/// Name of the findings about a conda file that cannot be read.
pub const UNREAD: &str = "conda.syntax";

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
        match self.errors() {
            0 => Ok(()),
            errors => Err(Refusal::Findings { errors }.into()),
        }
    }

    /// Reports everything that is wrong with a conda file, and returns the failure: no `--allow` makes it one that can be
    /// read.
    pub(crate) fn unread(&mut self, project: &Project, fault: FileError) -> Refusal {
        let path = project.conda.as_ref().map_or(Path::new(""), |source| source.path());
        for error in fault.each() {
            let text = error.to_string();
            let (line, message) = placed(&text, path).unwrap_or((0, &text));
            let hint = error.hint().unwrap_or_else(|| "correct the line".to_owned());
            let finding = Finding {
                check: UNREAD,
                severity: Severity::Error,
                message: message.to_owned(),
                hint,
                place: Some((path.to_owned(), line)),
                edits: Vec::from_iter(error.mended().map(|(from, to)| Edit {
                    path: path.to_owned(),
                    line,
                    from,
                    to: Some(to),
                })),
            };
            (self.report)(&finding);
            self.reported.push(finding);
        }
        Refusal::Findings { errors: self.errors() }
    }

    fn errors(&self) -> usize {
        self.reported.iter().filter(|finding| finding.severity == Severity::Error).count()
    }

    /// Whether stages follow one with errors.
    pub(crate) fn goes_on(&self) -> bool {
        self.on_error == OnError::GoOn
    }
}

/// Splits a message that begins with `FILE:LINE: ` or `FILE:LINE:COLUMN: ` into line and rest.
fn placed<'t>(text: &'t str, file: &Path) -> Option<(usize, &'t str)> {
    let rest = text.strip_prefix(&*file.to_string_lossy())?.strip_prefix(':')?;
    let (place, message) = rest.split_once(": ")?;
    let line = place.split(':').next()?.parse().ok()?;
    Some((line, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_of_a_message_is_split_off() {
        let split = |text| placed(text, Path::new("/p/env.yml"));
        assert_eq!(split("/p/env.yml:3:7: a: b"), Some((3, "a: b")));
        assert_eq!(split("/p/env.yml:12: c"), Some((12, "c")));
        assert_eq!(split("/p/env.yml: no line"), None);
        assert_eq!(split("/p/other.yml:1: d"), None);
    }
}
