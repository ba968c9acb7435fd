//! The source directory exists (docs/azureml-2019.md#2.4).

use crate::check::{Finding, Needs, Subject};

pub(crate) const ID: &str = "source.directory";
pub(crate) const NEEDS: Needs = Needs::Project;

pub(crate) fn run(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(source) = &subject.project.source_directory else { return Vec::new() };
    let fault = if !source.path.exists() {
        "does not exist"
    } else if !source.path.is_dir() {
        "is not a folder"
    } else {
        return Vec::new();
    };
    vec![
        Finding::error(
            ID,
            format!("the source directory {} {fault}", source.path.display()),
            "check the path; it is relative to the working directory",
        )
        .placed(subject.project.place_of("sourceDirectory")),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Severity::Error;
    use crate::check::testing::{Case, finding};

    #[test]
    fn it_must_be_a_folder() {
        let hint = "check the path; it is relative to the working directory";
        let error = |message: &str| [finding(ID, Error, None, message, hint)];
        assert_eq!(
            Case::script("").source("src").run(run),
            error("the source directory src does not exist")
        );
        assert_eq!(
            Case::script("").source("score.py").run(run),
            error("the source directory score.py is not a folder")
        );
        assert_eq!(Case::new(&[("src/score.py", "")]).source("src").run(run), []);
        assert_eq!(Case::script("").run(run), []);
    }
}
