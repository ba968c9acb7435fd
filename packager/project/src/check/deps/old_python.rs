//! The builtin worker and Azure's inference server need Python 3.5 or newer (docs/azureml-2019.md#4.1).

use crate::check::bounds::Bounds;
use crate::check::{Finding, Needs, Subject};

pub(crate) const ID: &str = "deps.old-python";
pub(crate) const NEEDS: Needs = Needs::Project;

pub(crate) fn run(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(conda) = subject.conda else { return Vec::new() };
    let python = conda.dependencies.iter().find(|dependency| dependency.spec.name == "python");
    let Some(python) = python else { return Vec::new() };
    let version = python.spec.version.as_deref().unwrap_or_default();
    if Bounds::parse(version).admits_from("3.5") {
        return Vec::new();
    }
    let message =
        format!("`{}` is not supported: serving needs Python 3.5 or newer", python.spec.text);
    let hint = "use a newer Python, and retrain the model with it if it is pickled";
    vec![Finding::error(ID, message, hint).at(&conda.path, python.line)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Severity::Error;
    use crate::check::testing::{Case, finding};

    #[test]
    fn python_2_is_refused() {
        let found = |line: &str| Case::conda(&format!("dependencies:\n- {line}\n")).run(run);
        assert_eq!(
            found("python=2.7"),
            [finding(
                ID,
                Error,
                Some(("env.yml", 2)),
                "`python=2.7` is not supported: serving needs Python 3.5 or newer",
                "use a newer Python, and retrain the model with it if it is pickled",
            )]
        );
        assert_eq!(found("python=3.6"), []);
        assert_eq!(found("pip"), []);
    }
}
