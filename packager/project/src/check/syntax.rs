//! Syntax that the image's Python refuses (docs/azureml-2019.md#9.1).

use super::{Finding, Subject};

pub(super) const ID: &str = "script.syntax";

pub(super) fn run(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(script) = subject.script else { return Vec::new() };
    script
        .syntax_errors
        .iter()
        .map(|error| {
            let remedy = if error.too_new {
                "write it in the older way, or use a base image with a newer Python"
            } else {
                "correct the script; `python -m py_compile` shows the same place"
            };
            let message = format!("column {}: {}", error.column, error.message);
            Finding::error(ID, message, remedy).at(&script.path, error.line)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::Severity::Error;
    use super::super::testing::{Case, finding};
    use super::*;

    #[test]
    fn it_is_held_against_the_target() {
        let text = "def run(data):\n    return (x := data)\n";
        assert_eq!(Case::script(text).python("3.8.1").run(run), []);
        assert_eq!(
            Case::script(text).python("3.6.15").run(run),
            [finding(
                ID,
                Error,
                Some(("score.py", 2)),
                "column 13: Cannot use named assignment expression (`:=`) on Python 3.6 (syntax was added in Python 3.8)",
                "write it in the older way, or use a base image with a newer Python",
            )]
        );
        assert_eq!(
            Case::script("def run(data)\n    return 1\n").run(run),
            [finding(
                ID,
                Error,
                Some(("score.py", 1)),
                "column 14: Expected `:`, found newline",
                "correct the script; `python -m py_compile` shows the same place",
            )]
        );
    }
}
