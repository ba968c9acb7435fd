//! Entries of the source directory that cannot be packaged, such as links that leave it
//! (docs/azureml-2019.md#9.11).

use crate::check::{Finding, Needs, Subject};

pub(crate) const ID: &str = "source.links";
pub(crate) const NEEDS: Needs = Needs::Project;

pub(crate) fn run(subject: &Subject<'_>) -> Vec<Finding> {
    let problems = &subject.source_files().problems;
    problems
        .iter()
        .map(|error| {
            let hint = error
                .hint()
                .unwrap_or_else(|| "make it readable, or move it out of the folder".to_owned());
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
    fn links_stay_inside() {
        let case = |target: &str| {
            let case = Case::new(&[("src/score.py", ""), ("secret", "")]);
            std::os::unix::fs::symlink(target, case.root().join("src/link")).unwrap();
            case.source("src").run(run)
        };
        assert_eq!(
            case("../secret"),
            [finding(
                ID,
                Error,
                None,
                "src/link is a link to ../secret, which is outside src",
                "copy what the link leads to into the folder, or remove the link",
            )]
        );
        assert_eq!(case("score.py"), []);
    }
}
