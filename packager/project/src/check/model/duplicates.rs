//! Two models of one name and version, and names that differ only in case
//! (docs/azureml-2019.md#9.11).

use crate::check::{Finding, Needs, Subject};

pub(crate) const ID: &str = "model.duplicates";
pub(crate) const NEEDS: Needs = Needs::Project;

pub(crate) fn run(subject: &Subject<'_>) -> Vec<Finding> {
    let models = &subject.project.models;
    let mut found = Vec::new();
    for (index, model) in models.iter().enumerate() {
        for other in &models[..index] {
            if other.name == model.name && other.version == model.version {
                found.push(Finding::error(
                    ID,
                    format!(
                        "two models are `{}` in version {}: {} and {}",
                        model.name,
                        model.version,
                        other.path.display(),
                        model.path.display()
                    ),
                    format!(
                        "give one of them another name or version: {}:{}=PATH",
                        model.name,
                        model.version + 1
                    ),
                ));
            } else if other.name != model.name && other.name.eq_ignore_ascii_case(&model.name) {
                found.push(Finding::warning(
                    ID,
                    format!("the models `{}` and `{}` differ only in case", other.name, model.name),
                    "rename one of them",
                ));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Severity::{Error, Warning};
    use crate::check::testing::{Case, finding};

    #[test]
    fn one_name_and_version_is_one_model() {
        let case = || Case::new(&[("score.py", ""), ("a", "1"), ("b", "2")]);
        assert_eq!(
            case().model("m=a").model("m=b").run(run),
            [finding(
                ID,
                Error,
                None,
                "two models are `m` in version 0: a and b",
                "give one of them another name or version: m:1=PATH",
            )]
        );
        assert_eq!(
            case().model("m=a").model("M=b").run(run),
            [finding(
                ID,
                Warning,
                None,
                "the models `m` and `M` differ only in case",
                "rename one of them",
            )]
        );
        assert_eq!(case().model("m=a").model("m:1=b").model("m=./a").run(run), []);
    }
}
