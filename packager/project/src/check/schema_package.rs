//! inference-schema and the extra of the type that is used (docs/azureml-2019.md#4.6, docs/azureml-2019.md#9.3).

use super::{Finding, Subject};

pub(super) const ID: &str = "deps.inference-schema";

/// Types, their extras, and the package that an extra brings.
const EXTRAS: &[(&str, &str, &str)] = &[
    ("NumpyParameterType", "numpy-support", "numpy"),
    ("PandasParameterType", "pandas-support", "pandas"),
    ("SparkParameterType", "pyspark-support", "pyspark"),
];

pub(super) fn run(subject: &Subject<'_>) -> Vec<Finding> {
    let (Some(script), Some(packages)) = (subject.readable(), subject.packages()) else {
        return Vec::new();
    };
    let import = script.imports.iter().find(|import| import.top() == "inference_schema");
    let Some(import) = import.filter(|_| packages.complete) else { return Vec::new() };
    let listed = packages.get("inference-schema");
    let missing: Vec<&(&str, &str, &str)> = EXTRAS
        .iter()
        .filter(|(kind, extra, package)| {
            let used = script.samples.iter().any(|sample| sample.kind == *kind)
                || script.imports.iter().any(|import| import.names.iter().any(|name| name == kind));
            let has = listed.is_some_and(|listed| listed.extras.iter().any(|name| name == extra));
            used && !has && !packages.has(package)
        })
        .collect();
    let extras: Vec<&str> = missing.iter().map(|(_, extra, _)| *extra).collect();
    let line = if extras.is_empty() {
        "inference-schema".to_owned()
    } else {
        format!("inference-schema[{}]", extras.join(","))
    };
    let finding = match listed {
        None => {
            // From Python 3.6 on the web server that is added needs it and brings it.
            let brought =
                subject.python.is_none_or(|python| (python.major, python.minor) >= (3, 6));
            Finding::unless(
                brought && missing.is_empty(),
                ID,
                "the script uses inference_schema, which is not in the conda file",
                format!("add {line} to the pip list"),
            )
            .at(&script.path, import.line)
        }
        Some(listed) if !missing.is_empty() => {
            let packages_missing: Vec<&str> =
                missing.iter().map(|(.., package)| *package).collect();
            Finding::error(
                ID,
                format!(
                    "`{}` does not bring {}, which the script's schema needs",
                    listed.text,
                    packages_missing.join(" and ")
                ),
                format!("write {line}"),
            )
            .placed(listed.place())
        }
        Some(_) => return Vec::new(),
    };
    vec![finding]
}

#[cfg(test)]
mod tests {
    use super::super::Severity::{Error, Warning};
    use super::super::testing::{Case, finding};
    use super::*;

    const NUMPY: &str =
        "from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType\n";

    fn found(script: &str, line: &str, python: &str) -> Vec<Finding> {
        let conda = format!("dependencies:\n- pip:\n  - {line}\n");
        Case::new(&[("score.py", script), ("env.yml", &conda)]).python(python).run(run)
    }

    #[test]
    fn the_package_and_its_extra() {
        assert_eq!(
            found(NUMPY, "inference-schema", "3.6.15"),
            [finding(
                ID,
                Error,
                Some(("env.yml", 3)),
                "`inference-schema` does not bring numpy, which the script's schema needs",
                "write inference-schema[numpy-support]",
            )]
        );
        let unlisted = |severity, remedy: &str| {
            [finding(
                ID,
                severity,
                Some(("score.py", 1)),
                "the script uses inference_schema, which is not in the conda file",
                remedy,
            )]
        };
        let add = "add inference-schema to the pip list";
        assert_eq!(found(NUMPY, "scikit-learn", "3.6.15"), unlisted(Warning, add));
        assert_eq!(found(NUMPY, "scikit-learn", "3.5.2"), unlisted(Error, add));
        assert_eq!(
            found(NUMPY, "azureml-core", "3.6.15"),
            unlisted(Error, "add inference-schema[numpy-support] to the pip list")
        );
        for line in ["inference-schema[numpy-support]", "inference_schema[Numpy_Support]==1.4.1"] {
            assert_eq!(found(NUMPY, line, "3.6.15"), [], "{line}");
        }
        assert_eq!(found("import numpy\n", "azureml-core", "3.6.15"), []);
    }
}
