//! Models that do not exist or cannot be packaged.

use crate::check::{Finding, Needs, Subject};

pub(crate) const ID: &str = "model.files";
pub(crate) const NEEDS: Needs = Needs::Project;

pub(crate) fn run(subject: &Subject<'_>) -> Vec<Finding> {
    let errors = subject.project.model_errors.iter();
    errors
        .map(|error| {
            let hint = error.hint().unwrap_or_else(|| "make the model readable".to_owned());
            Finding::error(ID, error.to_string(), hint)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Severity::Error;
    use crate::check::testing::{Case, finding};

    #[test]
    fn missing_models_and_links_that_leave() {
        let case = Case::new(&[("score.py", ""), ("m/w", "x"), ("secret", "x")]);
        std::os::unix::fs::symlink("../secret", case.root().join("m/link")).unwrap();
        assert_eq!(
            case.model("a=gone.pkl").model("m=m").model("s=secret").run(run),
            [
                finding(
                    ID,
                    Error,
                    None,
                    "model `a`: gone.pkl does not exist",
                    "check the path; it is relative to the working directory",
                ),
                finding(
                    ID,
                    Error,
                    None,
                    "m/link is a link to ../secret, which is outside m",
                    "copy what the link leads to into the folder, or remove the link",
                ),
            ]
        );
        assert_eq!(Case::new(&[("score.py", ""), ("m", "")]).model("m=m").run(run), []);
    }
}
