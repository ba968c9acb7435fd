//! Azure Container Instances is for models below 1 GB (docs/azureml-2019.md#7.1,
//! docs/azureml-2019.md#9.13).

use crate::check::{ComputeTarget, Finding, Needs, Subject};

pub(crate) const ID: &str = "model.size";
pub(crate) const NEEDS: Needs = Needs::Project;

const LIMIT: u64 = 1 << 30;

pub(crate) fn run(subject: &Subject<'_>) -> Vec<Finding> {
    let models = subject.project.models.iter();
    models
        .filter(|model| subject.target == Some(ComputeTarget::Aci) && model.size() > LIMIT)
        .map(|model| {
            Finding::warning(
                ID,
                format!(
                    "the model `{}` has {} MB; Azure Container Instances are meant for models below 1 GB",
                    model.name,
                    model.size() / 1_000_000
                ),
                "deploy to AKS, or reduce the model",
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Severity::Warning;
    use crate::check::testing::{Case, finding};

    #[test]
    fn large_models_on_container_instances() {
        let case = |size| {
            let case = Case::new(&[("score.py", ""), ("m", "")]);
            std::fs::File::options()
                .write(true)
                .open(case.root().join("m"))
                .unwrap()
                .set_len(size)
                .unwrap();
            case.model("m=m")
        };
        assert_eq!(
            case(LIMIT + 1).with(|s| s.target = Some(ComputeTarget::Aci)).run(run),
            [finding(
                ID,
                Warning,
                None,
                "the model `m` has 1073 MB; Azure Container Instances are meant for models below 1 GB",
                "deploy to AKS, or reduce the model",
            )]
        );
        assert_eq!(case(LIMIT).with(|s| s.target = Some(ComputeTarget::Aci)).run(run), []);
        assert_eq!(case(LIMIT + 1).run(run), []);
    }
}
