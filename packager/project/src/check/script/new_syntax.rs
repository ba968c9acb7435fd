//! Syntax that the image's Python does not have yet, or no longer (docs/azureml-2019.md#9.1).

use crate::check::{Finding, Needs, Subject};

pub(crate) const ID: &str = "script.new-syntax";
pub(crate) const NEEDS: Needs = Needs::Python;

pub(crate) fn run(subject: &Subject<'_>) -> Vec<Finding> {
    let (Some(script), Some(python)) = (subject.readable(), subject.python) else {
        return Vec::new();
    };
    script
        .unsupported_syntax(python)
        .into_iter()
        .map(|error| {
            let message = format!("column {}: {}", error.column, error.message);
            let hint = "write it in the older way, or use a base image with a newer Python";
            Finding::error(ID, message, hint).at(&script.path, error.line)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Severity::Error;
    use crate::check::testing::{Case, finding};

    #[test]
    fn it_depends_on_the_interpreter() {
        let text = "def run(data):\n    return (x := data)\n";
        assert_eq!(Case::script(text).python("3.8.1").run(run), []);
        assert_eq!(Case::script(text).run(run), []);
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
    }
}
