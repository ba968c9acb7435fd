//! inference-schema and the packages that its parameter types need (docs/azureml-2019.md#4.6,
//! docs/azureml-2019.md#9.3).

use crate::check::{Finding, Needs, Subject};

pub(crate) const ID: &str = "deps.inference-schema";
pub(crate) const NEEDS: Needs = Needs::Packages;

/// Parameter types, their extras, and the package that an extra adds, which is called like its
/// module.
const EXTRAS: &[(&str, &str, &str)] = &[
    ("NumpyParameterType", "numpy-support", "numpy"),
    ("PandasParameterType", "pandas-support", "pandas"),
    ("SparkParameterType", "pyspark-support", "pyspark"),
];

pub(crate) fn run(subject: &Subject<'_>) -> Vec<Finding> {
    let (Some(script), Some(packages), Some(resolved)) =
        (subject.readable(), subject.packages(), &subject.resolved)
    else {
        return Vec::new();
    };
    let import = script.imports.iter().find(|import| import.top() == "inference_schema");
    let Some(import) = import else { return Vec::new() };
    let modules = resolved.modules();
    let missing = EXTRAS.iter().filter(|(kind, _, package)| {
        let used = script.samples.iter().any(|sample| sample.kind == *kind)
            || script.imports.iter().any(|import| import.names.iter().any(|name| name == kind));
        used && modules.lacks(package).is_some()
    });
    let (extras, missing): (Vec<&str>, Vec<&str>) =
        missing.map(|(_, extra, package)| (*extra, *package)).unzip();
    let line = match extras.as_slice() {
        [] => "inference-schema".to_owned(),
        extras => format!("inference-schema[{}]", extras.join(",")),
    };
    let works = missing.is_empty() && modules.lacks("inference_schema").is_none();
    vec![match packages.get("inference-schema") {
        None if works && !packages.complete => return Vec::new(),
        // The inference server for Python 3.6 and newer requires it.
        None => Finding::unless(
            works,
            ID,
            "the script uses inference_schema, which is not in the conda file",
            format!("add {line} to the pip list"),
        )
        .at(&script.path, import.line),
        Some(_) if missing.is_empty() => return Vec::new(),
        Some(listed) => Finding::error(
            ID,
            format!(
                "`{}` does not include {}, which the script's schema needs",
                listed.text,
                missing.join(" and ")
            ),
            format!("write {line}"),
        )
        .placed(listed.place()),
    }]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Severity::{Error, Warning};
    use crate::check::testing::{Case, finding};

    const NUMPY: &str =
        "from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType\n";

    fn found(script: &str, line: &str, modules: &[&str]) -> Vec<Finding> {
        let conda = format!("dependencies:\n- pip:\n  - {line}\n");
        Case::new(&[("score.py", script), ("env.yml", &conda)]).packages(&[], modules).run(run)
    }

    #[test]
    fn the_package_and_its_extra() {
        let (schema, numpy) = ("inference_schema/__init__.py", "numpy/__init__.py");
        assert_eq!(
            found(NUMPY, "inference-schema", &[schema]),
            [finding(
                ID,
                Error,
                Some(("env.yml", 3)),
                "`inference-schema` does not include numpy, which the script's schema needs",
                "write inference-schema[numpy-support]",
            )]
        );
        let unlisted = |severity, hint: &str| {
            [finding(
                ID,
                severity,
                Some(("score.py", 1)),
                "the script uses inference_schema, which is not in the conda file",
                hint,
            )]
        };
        let add = "add inference-schema to the pip list";
        assert_eq!(found(NUMPY, "scikit-learn", &[schema, numpy]), unlisted(Warning, add));
        assert_eq!(found(NUMPY, "scikit-learn", &[numpy]), unlisted(Error, add));
        assert_eq!(
            found(NUMPY, "azureml-core", &[schema]),
            unlisted(Error, "add inference-schema[numpy-support] to the pip list")
        );
        assert_eq!(found(NUMPY, "inference-schema[numpy-support]", &[schema, numpy]), []);
        assert_eq!(found("import numpy\n", "azureml-core", &[]), []);
    }
}
