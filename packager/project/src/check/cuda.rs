//! Which packages are for GPUs, and which CUDA they need.

use super::bounds::Release;

/// Where a package gets CUDA from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cuda {
    /// It loads the libraries of the image; the version it was built with, where its release says.
    OfImage(Option<String>),
    /// It includes the libraries.
    Included,
}

/// First releases of TensorFlow with a CUDA (TensorFlow, "Tested build configurations").
const TENSORFLOW: &[(&str, &str)] = &[
    ("1.5", "9.0"),
    ("1.13", "10.0"),
    ("2.1", "10.1"),
    ("2.4", "11.0"),
    ("2.5", "11.2"),
    ("2.12", "11.8"),
];

/// The same of ONNX Runtime's packages on PyPI (ONNX Runtime, "CUDA Execution Provider",
/// Requirements).
const ONNXRUNTIME: &[(&str, &str)] = &[
    ("1.0", "10.0"),
    ("1.2", "10.1"),
    ("1.5", "10.2"),
    ("1.7", "11.0"),
    ("1.9", "11.4"),
    ("1.13", "11.6"),
    ("1.15", "11.8"),
    ("1.19", "12"),
];

/// Returns where a package for GPUs gets CUDA from. `release` is its version, with what follows
/// `+`.
pub(super) fn of(name: &str, release: Option<&str>) -> Option<Cuda> {
    let by_table = |table: &[(&str, &str)]| {
        let release = Release::parse(release?)?;
        let row = table
            .iter()
            .rev()
            .find(|(first, _)| Release::parse(first).is_some_and(|first| first <= release))?;
        Some(row.1.to_owned())
    };
    match name {
        "tensorflow-gpu" => return Some(Cuda::OfImage(by_table(TENSORFLOW))),
        "onnxruntime-gpu" => return Some(Cuda::OfImage(by_table(ONNXRUNTIME))),
        // NVIDIA's packages of libraries, and conda's.
        "cudatoolkit" | "cudnn" | "cuda-cudart" | "cuda-toolkit" | "tensorrt" => {
            return Some(Cuda::Included);
        }
        _ => {}
    }
    if let Some(digits) =
        ["cupy-cuda", "mxnet-cu"].iter().find_map(|start| name.strip_prefix(start))
    {
        return Some(Cuda::OfImage(version(digits)));
    }
    let built_for = release.and_then(|release| release.split_once('+')).map(|(_, local)| local);
    if built_for.is_some_and(|local| local.starts_with("cu")) {
        return Some(Cuda::Included);
    }
    // `nvidia-cublas-cu12`, since CUDA 13 `nvidia-cublas`; `nvidia-ml-py` only talks to drivers.
    if name.starts_with("nvidia-") && name != "nvidia-ml-py" {
        return Some(Cuda::Included);
    }
    name.ends_with("-gpu").then_some(Cuda::OfImage(None))
}

/// `10.1` of `101`, `9.0` of `90mkl`, `12` of `12x`.
fn version(digits: &str) -> Option<String> {
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    let (number, rest) = digits.split_at(end);
    if rest.starts_with('x') {
        return Some(number.to_owned());
    }
    let (major, minor) = number.split_at_checked(number.len().checked_sub(1)?)?;
    (!major.is_empty()).then(|| format!("{major}.{minor}"))
}

/// Returns whether a package built with one CUDA runs with another: from 11 on with any of the same
/// major version (CUDA, "Minor version compatibility"), before with the same minor one only.
pub(super) fn fits(built: &str, there: &str) -> bool {
    fn numbers(text: &str) -> Option<(u32, Option<u32>)> {
        let mut parts = text.split('.').map(str::parse);
        Some((parts.next()?.ok()?, parts.next().and_then(Result::ok)))
    }
    match (numbers(built), numbers(there)) {
        (Some((built, minor)), Some((there, other))) => {
            built == there && (built >= 11 || minor.is_none() || minor == other)
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_and_their_cuda() {
        let image = |version: &str| Some(Cuda::OfImage(Some(version.to_owned())));
        assert_eq!(of("tensorflow-gpu", Some("1.13.1")), image("10.0"));
        assert_eq!(of("tensorflow-gpu", None), Some(Cuda::OfImage(None)));
        assert_eq!(of("onnxruntime-gpu", Some("1.20.1")), image("12"));
        assert_eq!(of("cupy-cuda101", None), image("10.1"));
        assert_eq!(of("cupy-cuda12x", None), image("12"));
        assert_eq!(of("mxnet-cu90mkl", None), image("9.0"));
        assert_eq!(of("paddlepaddle-gpu", Some("2.5")), Some(Cuda::OfImage(None)));
        for included in ["nvidia-cublas-cu12", "nvidia-cublas", "cudatoolkit", "cudnn"] {
            assert_eq!(of(included, Some("12.1")), Some(Cuda::Included), "{included}");
        }
        assert_eq!(of("torch", Some("2.1.0+cu118")), Some(Cuda::Included));
        for none in ["torch", "tensorflow", "nvidia-ml-py", "cupy", "numpy"] {
            assert_eq!(of(none, Some("2.1.0")), None, "{none}");
        }
        assert_eq!(of("torch", Some("2.1.0+cpu")), None);
    }

    #[test]
    fn versions_that_go_together() {
        for (built, there) in
            [("10.0", "10.0.130"), ("11.2", "11.8"), ("12", "12.4.1"), ("9.0", "9.0")]
        {
            assert!(fits(built, there), "{built} {there}");
        }
        for (built, there) in
            [("10.0", "10.1"), ("11.8", "12.1"), ("12", "11.8"), ("9.0", "9.1.85")]
        {
            assert!(!fits(built, there), "{built} {there}");
        }
    }
}
