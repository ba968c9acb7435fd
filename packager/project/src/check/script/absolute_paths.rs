//! Absolute paths of one machine do not exist in the image (docs/azureml-2019.md#9.9).

use crate::check::{Finding, Needs, Subject};

pub(crate) const ID: &str = "script.absolute-paths";
pub(crate) const NEEDS: Needs = Needs::Project;

pub(crate) fn run(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(script) = subject.readable() else { return Vec::new() };
    script
        .absolute_paths
        .iter()
        .map(|path| {
            Finding::warning(
                ID,
                format!("`{}` is an absolute path that does not exist in the image", path.path),
                "find models with Model.get_model_path, and files beside the script with os.path.dirname(__file__)",
            )
            .at(&script.path, path.line)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Severity::Warning;
    use crate::check::testing::{Case, GOOD_SCRIPT, finding};

    #[test]
    fn they_are_named() {
        assert_eq!(
            Case::script("import joblib\nm = joblib.load(r'C:\\data\\m.pkl')\n").run(run),
            [finding(
                ID,
                Warning,
                Some(("score.py", 2)),
                "`C:\\data\\m.pkl` is an absolute path that does not exist in the image",
                "find models with Model.get_model_path, and files beside the script with os.path.dirname(__file__)",
            )]
        );
        assert_eq!(Case::script(GOOD_SCRIPT).run(run), []);
    }
}
