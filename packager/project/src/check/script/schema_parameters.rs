//! Schemas describe parameters of `run`; otherwise the import fails (docs/azureml-2019.md#4.6).

use mlpack_documents::nearest;

use crate::analysis::python::Decorator;
use crate::check::{Finding, Needs, Subject};

pub(crate) const ID: &str = "script.schema-parameters";
pub(crate) const NEEDS: Needs = Needs::Project;

pub(crate) fn run(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(script) = subject.readable() else { return Vec::new() };
    let Some(function) = script.function("run") else { return Vec::new() };
    let names: Vec<&str> = function.parameters.iter().map(|p| p.name.as_str()).collect();
    let mut seen: Vec<&str> = Vec::new();
    let mut found = Vec::new();
    for decorator in &function.decorators {
        let Decorator::InputSchema { line, parameter: Some(parameter), .. } = decorator else {
            continue;
        };
        let (message, hint) = if !names.contains(&parameter.as_str()) {
            let hint = match (nearest(parameter, names.iter().copied()), names.as_slice()) {
                (Some(near), _) | (None, &[near]) => format!("write param_name='{near}'"),
                _ => "use the name of a parameter of run()".to_owned(),
            };
            (format!("@input_schema describes `{parameter}`, which run() does not have"), hint)
        } else if seen.contains(&parameter.as_str()) {
            (format!("@input_schema describes `{parameter}` twice"), "keep one of them".to_owned())
        } else {
            seen.push(parameter);
            continue;
        };
        found.push(Finding::error(ID, message, hint).at(&script.path, *line));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Severity::Error;
    use crate::check::testing::{Case, finding};

    #[test]
    fn described_parameters_exist_once() {
        let text = "@input_schema('data', N(1))\n@input_schema('data', N(1))\n@input_schema(param_name='moar', param_type=N(1))\ndef run(data, more): pass\n";
        assert_eq!(
            Case::script(text).run(run),
            [
                finding(
                    ID,
                    Error,
                    Some(("score.py", 2)),
                    "@input_schema describes `data` twice",
                    "keep one of them",
                ),
                finding(
                    ID,
                    Error,
                    Some(("score.py", 3)),
                    "@input_schema describes `moar`, which run() does not have",
                    "write param_name='more'",
                ),
            ]
        );
        assert_eq!(Case::script("@input_schema('data', N(1))\ndef run(data): pass\n").run(run), []);
        assert_eq!(Case::script("@input_schema(name, N(1))\ndef run(data): pass\n").run(run), []);
    }
}
