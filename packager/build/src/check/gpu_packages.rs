//! Packages that need a GPU, and the CUDA they were built with (contract section 9, item 19).

use super::packages::Listed;
use super::{Finding, Subject};

pub(super) const ID: &str = "deps.gpu";

/// The CUDA of TensorFlow's GPU releases, by the first release with it (TensorFlow's table of
/// tested builds).
const TENSORFLOW: &[(&str, &str)] = &[
    ("1.5", "9.0"),
    ("1.13", "10.0"),
    ("2.1", "10.1"),
    ("2.4", "11.0"),
    ("2.5", "11.2"),
    ("2.12", "11.8"),
];

pub(super) fn run(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(packages) = subject.packages() else { return Vec::new() };
    packages
        .iter()
        .filter(|listed| needs_gpu(&listed.name))
        .filter_map(|listed| {
            let (message, remedy) = fault(subject, listed)?;
            Some(Finding::warning(ID, message, remedy).placed(packages.place(listed.line)))
        })
        .collect()
}

fn needs_gpu(name: &str) -> bool {
    name.ends_with("-gpu")
        || ["cupy-cuda", "mxnet-cu", "torch-cu"].iter().any(|start| name.starts_with(start))
        || matches!(name, "cudatoolkit" | "cudnn" | "tensorrt")
}

fn fault(subject: &Subject<'_>, listed: &Listed<'_>) -> Option<(String, String)> {
    let text = listed.text;
    // An own base image with CUDA needs no flag.
    if !subject.project.gpu && subject.base_cuda.is_none() {
        return Some((
            format!("`{text}` needs a GPU, but `enableGpu` is not set"),
            "set `enableGpu`, or use the package for CPUs".to_owned(),
        ));
    }
    let (base, built) = (subject.base_cuda?, built_with(listed)?);
    (base != built && !base.starts_with(&format!("{built}."))).then(|| {
        (
            format!("`{text}` was built with CUDA {built}, and the base image has {base}"),
            "use a release built with the CUDA of the base image, or another base image".to_owned(),
        )
    })
}

fn built_with(listed: &Listed<'_>) -> Option<String> {
    if listed.name == "tensorflow-gpu" {
        let exact = listed.bounds.lower()?;
        // Only where the release is known does its CUDA follow.
        if listed.bounds.is_open() {
            return None;
        }
        let release = |text| super::bounds::Release::parse(text);
        let row = TENSORFLOW
            .iter()
            .rev()
            .find(|(first, _)| release(first).is_some_and(|first| first <= *exact));
        return row.map(|(_, cuda)| (*cuda).to_owned());
    }
    let digits =
        listed.name.strip_prefix("cupy-cuda").or_else(|| listed.name.strip_prefix("mxnet-cu"))?;
    let digits: String = digits.chars().take_while(char::is_ascii_digit).collect();
    let (major, minor) = digits.split_at_checked(digits.len().checked_sub(1)?)?;
    (!major.is_empty()).then(|| format!("{major}.{minor}"))
}

#[cfg(test)]
mod tests {
    use super::super::Severity::Warning;
    use super::super::testing::{Case, GOOD_CONDA, finding};
    use super::*;

    fn case(line: &str) -> Case {
        Case::conda(&format!("dependencies:\n- pip:\n  - {line}\n"))
    }

    fn warning(message: &str, remedy: &str) -> [Finding; 1] {
        [finding(ID, Warning, Some(("env.yml", 3)), message, remedy)]
    }

    #[test]
    fn a_gpu_is_asked_for() {
        assert_eq!(
            case("tensorflow-gpu==1.13.1").run(run),
            warning(
                "`tensorflow-gpu==1.13.1` needs a GPU, but `enableGpu` is not set",
                "set `enableGpu`, or use the package for CPUs"
            )
        );
        assert_eq!(
            case("tensorflow-gpu==1.13.1").flags(|flags| flags.enable_gpu = Some(true)).run(run),
            []
        );
        assert_eq!(Case::conda(GOOD_CONDA).run(run), []);
    }

    #[test]
    fn the_cuda_fits() {
        let found = |line: &str| case(line).with(|s| s.base_cuda = Some("9.0.176")).run(run);
        let remedy = "use a release built with the CUDA of the base image, or another base image";
        assert_eq!(
            found("tensorflow-gpu==1.13.1"),
            warning(
                "`tensorflow-gpu==1.13.1` was built with CUDA 10.0, and the base image has 9.0.176",
                remedy
            )
        );
        assert_eq!(
            found("cupy-cuda101"),
            warning(
                "`cupy-cuda101` was built with CUDA 10.1, and the base image has 9.0.176",
                remedy
            )
        );
        for good in ["tensorflow-gpu==1.12.0", "tensorflow-gpu", "mxnet-cu90mkl", "onnxruntime-gpu"]
        {
            assert_eq!(found(good), [], "{good}");
        }
    }
}
