//! Parameters that servers can pass (docs/azureml-2019.md#4.2, docs/azureml-2019.md#4.3,
//! docs/azureml-2019.md#4.5, docs/azureml-2019.md#9.2).

use crate::analysis::python::{Decorator, Function, ParameterKind};
use crate::check::{Finding, Needs, Severity, Subject};

pub(crate) const ID: &str = "script.run-parameters";
pub(crate) const NEEDS: Needs = Needs::Project;

pub(crate) fn run(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(script) = subject.readable() else { return Vec::new() };
    let faults = script.function("init").map(init).into_iter().flatten();
    let faults = faults.chain(script.function("run").map(run_function).into_iter().flatten());
    faults
        .map(|(line, severity, message, hint)| Finding {
            severity,
            ..Finding::error(ID, message, hint).at(&script.path, line)
        })
        .collect()
}

type Fault = (usize, Severity, String, &'static str);

const ONE: &str = "write `def run(data):`, or one parameter per @input_schema";

fn init(function: &Function) -> Vec<Fault> {
    let mut faults = not_async(function);
    if function.parameters.iter().any(|parameter| !parameter.has_default) {
        let message = "init() is called without arguments, but has parameters".to_owned();
        faults.push((function.line, Severity::Error, message, "write `def init():`"));
    }
    faults
}

fn not_async(function: &Function) -> Vec<Fault> {
    if !function.is_async {
        return Vec::new();
    }
    let message = format!("{}() is async, and servers do not await it", function.name);
    vec![(function.line, Severity::Error, message, "write it with plain `def`")]
}

fn run_function(function: &Function) -> Vec<Fault> {
    let mut faults = not_async(function);
    let line = function.line;
    if function.parameters.is_empty() {
        let message = "run() has no parameter for the request's data".to_owned();
        faults.push((line, Severity::Error, message, ONE));
    }
    for parameter in &function.parameters {
        let what = match parameter.kind {
            ParameterKind::PositionalOnly => "is positional-only",
            ParameterKind::Star => "is a `*` parameter",
            ParameterKind::StarStar => "is a `**` parameter",
            ParameterKind::Regular | ParameterKind::KeywordOnly => continue,
        };
        let message = format!("`{}` of run() {what}; data is passed by name", parameter.name);
        faults.push((line, Severity::Error, message, ONE));
    }
    let schema = |decorator: &Decorator| {
        matches!(decorator, Decorator::InputSchema { .. } | Decorator::Other { .. })
    };
    if function.decorators.iter().any(schema) {
        // Each schema names a parameter; other decorators may change them.
        return faults;
    }
    let by_name = |kind| matches!(kind, ParameterKind::Regular | ParameterKind::KeywordOnly);
    let data =
        function.parameters.iter().filter(|p| by_name(p.kind) && p.name != "request_headers");
    for parameter in data.skip(1) {
        let name = &parameter.name;
        faults.push(if parameter.has_default {
            let message =
                format!("`{name}` of run() is never passed, and Azure ML servers (2019) reject it");
            (
                line,
                Severity::Warning,
                message,
                "remove it, or describe each parameter with @input_schema",
            )
        } else {
            let message =
                format!("`{name}` of run() is never passed: one parameter gets the whole body");
            (
                line,
                Severity::Error,
                message,
                "use one parameter, or describe each with @input_schema",
            )
        });
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Severity::{Error, Warning};
    use crate::check::testing::{Case, finding};

    fn found(text: &str) -> Vec<Finding> {
        Case::script(text).run(run)
    }

    #[test]
    fn parameters_that_cannot_be_filled() {
        let place = Some(("score.py", 1));
        for (text, severity, message, hint) in [
            ("def run(): pass", Error, "run() has no parameter for the request's data", ONE),
            (
                "def run(*data): pass",
                Error,
                "`data` of run() is a `*` parameter; data is passed by name",
                ONE,
            ),
            (
                "def run(data, **more): pass",
                Error,
                "`more` of run() is a `**` parameter; data is passed by name",
                ONE,
            ),
            (
                "def run(data, /): pass",
                Error,
                "`data` of run() is positional-only; data is passed by name",
                ONE,
            ),
            (
                "def run(data, k): pass",
                Error,
                "`k` of run() is never passed: one parameter gets the whole body",
                "use one parameter, or describe each with @input_schema",
            ),
            (
                "def run(data, k=1): pass",
                Warning,
                "`k` of run() is never passed, and Azure ML servers (2019) reject it",
                "remove it, or describe each parameter with @input_schema",
            ),
            (
                "async def run(data): pass",
                Error,
                "run() is async, and servers do not await it",
                "write it with plain `def`",
            ),
            (
                "def init(x): pass",
                Error,
                "init() is called without arguments, but has parameters",
                "write `def init():`",
            ),
        ] {
            assert_eq!(found(text), [finding(ID, severity, place, message, hint)], "{text}");
        }
    }

    #[test]
    fn parameters_that_can() {
        for text in [
            "def run(data): pass",
            "def run(data, request_headers): pass",
            "def run(request_headers, data): pass",
            "def init(x=1): pass",
            "@input_schema('a', N(1))\n@input_schema('b', N(1))\ndef run(a, b): pass",
            "def run(data, k): pass\ndef run(data): pass",
        ] {
            assert_eq!(found(text), [], "{text}");
        }
    }
}
