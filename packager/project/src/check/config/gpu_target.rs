//! The GPU base images may be used on Azure services only (docs/azureml-2019.md#8).

use crate::check::{ComputeTarget, Finding, Needs, Subject};

pub(crate) const ID: &str = "config.gpu-target";
pub(crate) const NEEDS: Needs = Needs::Project;

pub(crate) fn run(subject: &Subject<'_>) -> Vec<Finding> {
    if !subject.project.gpu || subject.target.is_none_or(ComputeTarget::is_azure) {
        return Vec::new();
    }
    vec![
        Finding::warning(
            ID,
            "`enableGpu` selects a base image with CUDA whose license allows it on Azure services only",
            "deploy to ACI or AKS, or set a base image with CUDA that you may use here",
        )
        .placed(subject.project.place_of("enableGpu")),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Severity::Warning;
    use crate::check::testing::{Case, finding};

    #[test]
    fn gpu_outside_azure() {
        let case = |gpu| {
            Case::script("")
                .config(&format!("entryScript: score.py\nruntime: python\nenableGpu: {gpu}\n"))
        };
        assert_eq!(
            case(true).with(|s| s.target = Some(ComputeTarget::Local)).run(run),
            [finding(
                ID,
                Warning,
                Some(("config.yml", 3)),
                "`enableGpu` selects a base image with CUDA whose license allows it on Azure services only",
                "deploy to ACI or AKS, or set a base image with CUDA that you may use here",
            )]
        );
        assert_eq!(case(true).with(|s| s.target = Some(ComputeTarget::Aks)).run(run), []);
        assert_eq!(case(true).run(run), []);
        assert_eq!(case(false).with(|s| s.target = Some(ComputeTarget::Local)).run(run), []);
    }
}
