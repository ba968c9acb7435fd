//! Return values that are not JSON (docs/azureml-2019.md#4.3, docs/azureml-2019.md#9.6). Text that is JSON already is encoded
//! again, as on Azure, and clients decode it twice.

use crate::analysis::python::ReturnKind;
use crate::check::{Finding, Needs, Subject};

pub(crate) const ID: &str = "script.returns";
pub(crate) const NEEDS: Needs = Needs::Project;

pub(crate) fn run(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(script) = subject.readable() else { return Vec::new() };
    script
        .returns
        .iter()
        .map(|back| {
            let call = &back.call;
            let (message, hint) = match back.kind {
                ReturnKind::Array => (
                    format!("run() returns {call}(...), which is not JSON: clients get status 500"),
                    "return it as a list: `.tolist()`",
                ),
                ReturnKind::Frame => (
                    format!("run() returns {call}(...), which is not JSON: clients get status 500"),
                    "return it as a list of records: `.to_dict(orient='records')`",
                ),
            };
            Finding::warning(ID, message, hint).at(&script.path, back.line)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Severity::Warning;
    use crate::check::testing::{Case, GOOD_SCRIPT, finding};

    #[test]
    fn each_form_has_its_remedy() {
        let text = "import json, numpy, pandas
def run(data):
    if a: return json.dumps(data)
    if b: return numpy.array(data)
    return pandas.DataFrame(data)
";
        let warning = |line, message: &str, hint: &str| {
            finding(ID, Warning, Some(("score.py", line)), message, hint)
        };
        assert_eq!(
            Case::script(text).run(run),
            [
                warning(
                    4,
                    "run() returns numpy.array(...), which is not JSON: clients get status 500",
                    "return it as a list: `.tolist()`",
                ),
                warning(
                    5,
                    "run() returns pandas.DataFrame(...), which is not JSON: clients get status 500",
                    "return it as a list of records: `.to_dict(orient='records')`",
                ),
            ]
        );
        assert_eq!(Case::script(GOOD_SCRIPT).run(run), []);
    }
}
