//! `azureml.contrib.services` is in its package, or created by the builtin server, and by Azure's
//! inference server for Python 3.6 and newer (docs/azureml-2019.md#4.4,
//! docs/azureml-2019.md#4.5, docs/azureml-2019.md#9.7).

use mlpack_lock::Server;

use crate::check::{Finding, Needs, Subject};

pub(crate) const ID: &str = "deps.contrib-services";
pub(crate) const NEEDS: Needs = Needs::Python;

pub(crate) fn run(subject: &Subject<'_>) -> Vec<Finding> {
    let (Some(script), Some(packages)) = (subject.readable(), subject.packages()) else {
        return Vec::new();
    };
    let builtin = subject.project.server == Server::Builtin;
    let created =
        builtin || subject.python.is_none_or(|python| (python.major, python.minor) >= (3, 6));
    if created || !packages.complete || packages.get("azureml-contrib-services").is_some() {
        return Vec::new();
    }
    let uses = script
        .imports
        .iter()
        .filter(|import| !import.optional && import.module.starts_with("azureml.contrib.services"));
    uses.map(|import| {
        Finding::error(
            ID,
            format!(
                "`{}` is not in the conda file, and no inference server for this Python provides it",
                import.module
            ),
            "add azureml-contrib-services to the pip list",
        )
        .at(&script.path, import.line)
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Severity::Error;
    use crate::check::testing::{Case, finding};

    #[test]
    fn it_has_to_come_from_somewhere() {
        let case = |line: &str, python: &str| {
            let script = "from azureml.contrib.services.aml_request import rawhttp\n";
            let conda = format!("dependencies:\n- pip:\n  - {line}\n");
            Case::new(&[("score.py", script), ("env.yml", &conda)]).python(python)
        };
        let found = |line: &str, python: &str| case(line, python).azmlinfsrv().run(run);
        assert_eq!(
            found("azureml-core", "3.5.2"),
            [finding(
                ID,
                Error,
                Some(("score.py", 1)),
                "`azureml.contrib.services.aml_request` is not in the conda file, and no inference server for this Python provides it",
                "add azureml-contrib-services to the pip list",
            )]
        );
        assert_eq!(found("azureml-contrib-services", "3.5.2"), []);
        assert_eq!(found("azureml-core", "3.6.15"), []);
        assert_eq!(case("azureml-core", "3.5.2").run(run), []);
    }
}
