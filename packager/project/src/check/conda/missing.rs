//! The conda file exists (docs/azureml-2019.md#2.4).

use crate::check::{Finding, Needs, Subject};
use crate::project::CondaSource;

pub(crate) const ID: &str = "conda.missing";
pub(crate) const NEEDS: Needs = Needs::Project;

pub(crate) fn run(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(CondaSource::File(path)) = &subject.project.conda else { return Vec::new() };
    if path.is_file() {
        return Vec::new();
    }
    let fault = if path.exists() { "is not a file" } else { "does not exist" };
    vec![
        Finding::error(
            ID,
            format!("the conda file {} {fault}", path.display()),
            "check the path, or omit it if the base image has all packages",
        )
        .placed(subject.project.place_of("condaFile")),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Severity::Error;
    use crate::check::testing::{Case, GOOD_CONDA, finding};

    #[test]
    fn it_must_be_a_file() {
        let config = "entryScript: score.py\nruntime: python\ncondaFile: env.yml\n";
        assert_eq!(
            Case::script("").config(config).run(run),
            [finding(
                ID,
                Error,
                Some(("config.yml", 3)),
                "the conda file env.yml does not exist",
                "check the path, or omit it if the base image has all packages",
            )]
        );
        assert_eq!(Case::conda(GOOD_CONDA).config(config).run(run), []);
        assert_eq!(Case::script("").run(run), []);
    }
}
