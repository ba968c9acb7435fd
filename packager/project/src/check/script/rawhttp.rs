//! `@rawhttp` gets the unchanged request, so a schema has nothing to convert
//! (docs/azureml-2019.md#4.5).

use crate::analysis::python::Decorator;
use crate::check::{Finding, Needs, Subject};

pub(crate) const ID: &str = "script.rawhttp";
pub(crate) const NEEDS: Needs = Needs::Project;

pub(crate) fn run(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(script) = subject.readable() else { return Vec::new() };
    let decorators = script.function("run").map(|f| f.decorators.as_slice()).unwrap_or_default();
    let schema =
        decorators.iter().any(|decorator| matches!(decorator, Decorator::InputSchema { .. }));
    decorators
        .iter()
        .filter_map(|decorator| match decorator {
            Decorator::RawHttp { line } if schema => Some(*line),
            _ => None,
        })
        .map(|line| {
            Finding::error(
                ID,
                "@rawhttp and @input_schema cannot be combined on run()",
                "keep one: @rawhttp for the unchanged request, @input_schema for converted data",
            )
            .at(&script.path, line)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Severity::Error;
    use crate::check::testing::{Case, finding};

    #[test]
    fn one_or_the_other() {
        assert_eq!(
            Case::script("@input_schema('r', N(1))\n@rawhttp\ndef run(r): pass\n").run(run),
            [finding(
                ID,
                Error,
                Some(("score.py", 2)),
                "@rawhttp and @input_schema cannot be combined on run()",
                "keep one: @rawhttp for the unchanged request, @input_schema for converted data",
            )]
        );
        assert_eq!(Case::script("@rawhttp\ndef run(r): pass\n").run(run), []);
    }
}
