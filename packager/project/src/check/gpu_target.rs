//! GPU images may be used on Azure services only (docs/azureml-2019.md#8).

use super::{Finding, Subject};

pub(super) const ID: &str = "config.gpu-target";

pub(super) fn run(subject: &Subject<'_>) -> Vec<Finding> {
    if !subject.project.gpu || subject.target_is_azure != Some(false) {
        return Vec::new();
    }
    vec![
        Finding::warning(
            ID,
            "`enableGpu` takes an image with CUDA, which its licence allows on Azure services only",
            "deploy to ACI or AKS, or name a base image with a CUDA that you may use here",
        )
        .placed(subject.project.place_of("enableGpu")),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::Severity::Warning;
    use super::super::testing::{Case, finding};
    use super::*;

    #[test]
    fn gpu_outside_azure() {
        let case = |gpu| {
            Case::script("")
                .config(&format!("entryScript: score.py\nruntime: python\nenableGpu: {gpu}\n"))
        };
        assert_eq!(
            case(true).with(|s| s.target_is_azure = Some(false)).run(run),
            [finding(
                ID,
                Warning,
                Some(("config.yml", 3)),
                "`enableGpu` takes an image with CUDA, which its licence allows on Azure services only",
                "deploy to ACI or AKS, or name a base image with a CUDA that you may use here",
            )]
        );
        assert_eq!(case(true).with(|s| s.target_is_azure = Some(true)).run(run), []);
        assert_eq!(case(true).run(run), []);
        assert_eq!(case(false).with(|s| s.target_is_azure = Some(false)).run(run), []);
    }
}
