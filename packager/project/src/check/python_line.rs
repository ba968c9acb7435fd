//! The Python that the conda file asks for against the one of the image (docs/azureml-2019.md#4.1,
//! docs/azureml-2019.md#9.16).

use mlpack_requirements::Fit;

use super::bounds::Bounds;
use super::{Finding, Subject};

pub(super) const ID: &str = "deps.python";

pub(super) fn run(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(conda) = subject.conda else { return Vec::new() };
    let Some(spec) = conda.python_spec() else { return Vec::new() };
    let line = conda.dependencies.iter().find(|dependency| dependency.spec.name == "python");
    let version = line.and_then(|line| line.spec.version.as_deref()).unwrap_or_default();
    let line = line.map_or(0, |line| line.line);
    if !Bounds::parse(version).admits_from("3.5") {
        return vec![
            Finding::error(
                ID,
                format!("`{}`: no server runs on a Python before 3.5", spec.text),
                "ask for a newer Python, and train the model with it if it is pickled",
            )
            .at(&conda.path, line),
        ];
    }
    let Some(python) = subject.python else { return Vec::new() };
    let (message, remedy) = match spec.satisfied_by(python) {
        Fit::Exact => return Vec::new(),
        Fit::SameMinor => (
            format!("`{}` is asked for and the base image has {python}, which is used", spec.text),
            format!(
                "write python={}, or choose a base image with that release",
                python.minor_text()
            ),
        ),
        Fit::No => (
            format!("`{}` is asked for and the base image has {python}", spec.text),
            format!(
                "write python={}, or choose a base image with the Python asked for",
                python.minor_text()
            ),
        ),
    };
    vec![Finding::warning(ID, message, remedy).at(&conda.path, line)]
}

#[cfg(test)]
mod tests {
    use super::super::Severity::{Error, Warning};
    use super::super::testing::{Case, finding};
    use super::*;

    fn found(line: &str, python: &str) -> Vec<Finding> {
        Case::conda(&format!("dependencies:\n- {line}\n")).python(python).run(run)
    }

    #[test]
    fn the_base_and_the_file() {
        let place = Some(("env.yml", 2));
        assert_eq!(
            found("python=3.6.2", "3.6.15"),
            [finding(
                ID,
                Warning,
                place,
                "`python=3.6.2` is asked for and the base image has 3.6.15, which is used",
                "write python=3.6, or choose a base image with that release",
            )]
        );
        assert_eq!(
            found("python=3.8", "3.6.15"),
            [finding(
                ID,
                Warning,
                place,
                "`python=3.8` is asked for and the base image has 3.6.15",
                "write python=3.6, or choose a base image with the Python asked for",
            )]
        );
        assert_eq!(
            found("python=2.7", "3.6.15"),
            [finding(
                ID,
                Error,
                place,
                "`python=2.7`: no server runs on a Python before 3.5",
                "ask for a newer Python, and train the model with it if it is pickled",
            )]
        );
        assert_eq!(found("python=3.6", "3.6.15"), []);
        assert_eq!(found("pip", "3.6.15"), []);
    }
}
