//! The Python that the conda file lists and the one of the image (docs/azureml-2019.md#4.1,
//! docs/azureml-2019.md#9.16). Another patch release is accepted; another minor version is an error
//! of the interpreter's selection.

use mlpack_requirements::Fit;

use crate::check::{Finding, Needs, Subject};

pub(crate) const ID: &str = "deps.python";
pub(crate) const NEEDS: Needs = Needs::Base;

pub(crate) fn run(subject: &Subject<'_>) -> Vec<Finding> {
    let (Some(conda), Some(python)) = (subject.conda, subject.python) else { return Vec::new() };
    let Some(spec) = conda.python_spec().filter(|spec| spec.satisfied_by(python) == Fit::SameMinor)
    else {
        return Vec::new();
    };
    let line = conda.dependencies.iter().find(|dependency| dependency.spec.name == "python");
    let message = format!("the base image has Python {python}, which is used for `{}`", spec.text);
    let hint =
        format!("write python={}, or use a base image with that release", python.minor_text());
    let line = line.map_or(0, |line| line.line);
    vec![Finding::warning(ID, message, hint).at(&conda.path, line)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Severity::Warning;
    use crate::check::testing::{Case, finding};

    #[test]
    fn another_patch_release_is_reported() {
        let found = |line: &str| {
            Case::conda(&format!("dependencies:\n- {line}\n")).python("3.6.15").run(run)
        };
        assert_eq!(
            found("python=3.6.2"),
            [finding(
                ID,
                Warning,
                Some(("env.yml", 2)),
                "the base image has Python 3.6.15, which is used for `python=3.6.2`",
                "write python=3.6, or use a base image with that release",
            )]
        );
        assert_eq!(found("python=3.6"), []);
        assert_eq!(found("pip"), []);
    }
}
