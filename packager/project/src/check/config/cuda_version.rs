//! The CUDA versions that Azure ML (2019) supported (docs/azureml-2019.md#2.1).

use crate::check::{Finding, Needs, Subject};

pub(crate) const ID: &str = "config.cuda-version";
pub(crate) const NEEDS: Needs = Needs::Project;

const OFFERED: [&str; 3] = ["9.0", "9.1", "10.0"];

pub(crate) fn run(subject: &Subject<'_>) -> Vec<Finding> {
    let project = subject.project;
    let Some(version) = &project.cuda_version else { return Vec::new() };
    let finding = if !OFFERED.contains(&version.as_str()) {
        Finding::error(
            ID,
            format!("`cudaVersion` is `{version}`; supported are {}", OFFERED.join(", ")),
            "use one of these, or set a base image that has the CUDA you need",
        )
    } else if !project.gpu {
        Finding::warning(
            ID,
            "`cudaVersion` has no effect without `enableGpu`",
            "set `enableGpu`, or remove `cudaVersion`",
        )
    } else {
        return Vec::new();
    };
    vec![finding.placed(project.place_of("cudaVersion"))]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Severity::{Error, Warning};
    use crate::check::testing::{Case, finding};

    fn found(lines: &str) -> Vec<Finding> {
        Case::script("")
            .config(&format!("entryScript: score.py\nruntime: python\n{lines}"))
            .run(run)
    }

    #[test]
    fn only_offered_versions() {
        assert_eq!(
            found("cudaVersion: 11.0\nenableGpu: true\n"),
            [finding(
                ID,
                Error,
                Some(("config.yml", 3)),
                "`cudaVersion` is `11.0`; supported are 9.0, 9.1, 10.0",
                "use one of these, or set a base image that has the CUDA you need",
            )]
        );
        assert_eq!(
            found("cudaVersion: 10.0\n"),
            [finding(
                ID,
                Warning,
                Some(("config.yml", 3)),
                "`cudaVersion` has no effect without `enableGpu`",
                "set `enableGpu`, or remove `cudaVersion`",
            )]
        );
        assert_eq!(found("cudaVersion: 10.0\nenableGpu: true\n"), []);
        assert_eq!(found(""), []);
    }
}
