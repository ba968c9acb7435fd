//! A script that no Python can parse (docs/azureml-2019.md#9.1).

use crate::check::{Finding, Needs, Subject};

pub(crate) const ID: &str = "script.syntax";
pub(crate) const NEEDS: Needs = Needs::Project;

pub(crate) fn run(subject: &Subject<'_>) -> Vec<Finding> {
    let Ok(script) = &subject.script else { return Vec::new() };
    let errors = script.syntax_error.iter().map(|error| {
        let message = format!("column {}: {}", error.column, error.message);
        let hint = "fix the script; `python -m py_compile` reports the same place";
        Finding::error(ID, message, hint).at(&script.path, error.line)
    });
    errors.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Severity::Error;
    use crate::check::testing::{Case, finding};

    #[test]
    fn the_first_error_is_reported() {
        assert_eq!(
            Case::script("def run(data)\n    return 1\n").run(run),
            [finding(
                ID,
                Error,
                Some(("score.py", 1)),
                "column 14: Expected `:`, found newline",
                "fix the script; `python -m py_compile` reports the same place",
            )]
        );
    }
}
