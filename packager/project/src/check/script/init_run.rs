//! Every server calls `init()` once and `run(...)` per request (docs/azureml-2019.md#4.2,
//! docs/azureml-2019.md#9.2).

use crate::check::{Finding, Needs, Subject};

pub(crate) const ID: &str = "script.init-run";
pub(crate) const NEEDS: Needs = Needs::Project;

pub(crate) fn run(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(script) = subject.readable() else { return Vec::new() };
    [
        ("init", "add `def init():` that loads the model into a global variable"),
        ("run", "add `def run(data):` that returns the prediction"),
    ]
    .into_iter()
    .filter(|(name, _)| !script.may_define(name))
    .map(|(name, hint)| {
        let message = format!("the entry script has no function `{name}` at its top level");
        Finding::error(ID, message, hint).at(&script.path, 0)
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Severity::Error;
    use crate::check::testing::{Case, GOOD_SCRIPT, finding};

    #[test]
    fn both_must_be_at_the_top_level() {
        let text = "class Scorer:\n    def init(self): pass\n    def run(self, data): pass\n";
        assert_eq!(
            Case::script(text).run(run),
            [
                finding(
                    ID,
                    Error,
                    Some(("score.py", 0)),
                    "the entry script has no function `init` at its top level",
                    "add `def init():` that loads the model into a global variable",
                ),
                finding(
                    ID,
                    Error,
                    Some(("score.py", 0)),
                    "the entry script has no function `run` at its top level",
                    "add `def run(data):` that returns the prediction",
                ),
            ]
        );
        assert_eq!(Case::script(GOOD_SCRIPT).run(run), []);
        assert_eq!(Case::script("from scorer import init, run\n").run(run), []);
        assert_eq!(Case::script("from scorer import *\n").run(run), []);
        assert_eq!(Case::script("def run(\n").run(run), []);
    }
}
