//! Packages for graphics cards, `enableGpu`, and the CUDA of the base (docs/azureml-2019.md#9.19).

use std::path::PathBuf;

use crate::check::cuda::{self, Cuda};
use crate::check::resolved::Resolved;
use crate::check::{Finding, Needs, Subject};

pub(crate) const ID: &str = "deps.gpu";
pub(crate) const NEEDS: Needs = Needs::Packages;

/// Packages that require CUDA by default, and how to get them without it (PyTorch, "Get started";
/// XGBoost, "Installation guide").
const FOR_CPUS: &[(&str, &str)] = &[
    (
        "torch",
        "use PyTorch's build for CPUs with `--extra-index-url https://download.pytorch.org/whl/cpu` in the pip list and a version such as `torch==2.1.0+cpu`",
    ),
    ("xgboost", "list `xgboost-cpu` instead of `xgboost`"),
];

/// A package as findings name it.
struct Package {
    text: String,
    cuda: Cuda,
    place: Option<(PathBuf, usize)>,
}

pub(crate) fn run(subject: &Subject<'_>) -> Vec<Finding> {
    subject.resolved.as_ref().map_or_else(Vec::new, |resolved| of_resolved(subject, resolved))
}

fn of_resolved(subject: &Subject<'_>, resolved: &Resolved<'_>) -> Vec<Finding> {
    let environment = resolved.environment;
    let own = |name: &str| {
        environment
            .conda
            .iter()
            .find(|package| package.name == name)
            .map(|found| found.version.as_str())
    };
    let there = own("cudatoolkit").or_else(|| own("cuda-version")).or(subject.base_cuda);
    let conda =
        environment.conda.iter().map(|package| (&package.name, &package.version, package.size));
    let wheels = environment
        .packages
        .iter()
        .map(|package| (&package.name, &package.version, package.artifact.size));
    let mut found = Vec::new();
    let (mut included, mut bytes) = (Vec::new(), 0);
    for (name, version, size) in conda.chain(wheels) {
        let Some(cuda) = cuda::of(name, Some(version)) else { continue };
        if cuda == Cuda::Included {
            included.push((name.as_str(), version.as_str()));
            bytes += size.unwrap_or(0);
            continue;
        }
        let text = format!("{name} {version}");
        let package = Package { text, cuda, place: subject.line_of(name) };
        found.extend(match there {
            None if subject.project.gpu => Some(without_cuda(&package)),
            there => fault(subject, &package, there),
        });
    }
    if let [(name, version), ..] = included[..]
        && !subject.project.gpu
        && subject.base_cuda.is_none()
    {
        found.push(needless(subject, environment, &included, bytes, &format!("{name} {version}")));
    }
    found.extend(for_cpus(subject, resolved));
    found
}

/// A package that loads the image's CUDA.
fn fault(subject: &Subject<'_>, package: &Package, there: Option<&str>) -> Option<Finding> {
    let Package { text, cuda, place } = package;
    let finding = |message: String, hint: &str| {
        Some(Finding::warning(ID, message, hint).placed(place.clone()))
    };
    // A base image with CUDA needs no flag.
    if !subject.project.gpu && there.is_none() {
        return finding(
            format!("`{text}` needs a GPU, but `enableGpu` is not set"),
            "set `enableGpu`, or use the package for CPUs",
        );
    }
    let (Cuda::OfImage(Some(built)), Some(there)) = (cuda, there) else { return None };
    if cuda::fits(built, there) {
        return None;
    }
    finding(
        format!("`{text}` was built with CUDA {built}, and the base image has {there}"),
        "use a release built with the CUDA of the base image, or another base image",
    )
}

fn without_cuda(package: &Package) -> Finding {
    let built = match &package.cuda {
        Cuda::OfImage(Some(built)) => format!("CUDA {built}"),
        _ => "CUDA".to_owned(),
    };
    Finding::warning(
        ID,
        format!(
            "`{}` loads {built}, which neither the environment nor the base image has",
            package.text
        ),
        "use a base image with CUDA, or the package for CPUs",
    )
    .placed(package.place.clone())
}

/// Packages that include CUDA in an image that runs without a GPU.
fn needless(
    subject: &Subject<'_>,
    environment: &mlpack_lock::LockedEnvironment,
    included: &[(&str, &str)],
    bytes: u64,
    first: &str,
) -> Finding {
    let others = match included.len() - 1 {
        0 => String::new(),
        1 => " and one more package".to_owned(),
        more => format!(" and {more} more packages"),
    };
    let size =
        if bytes == 0 { String::new() } else { format!(" ({} MB)", bytes.div_ceil(1_000_000)) };
    let (cause, hint) = FOR_CPUS
        .iter()
        .find(|(name, _)| environment.package(name).is_some())
        .map_or((None, "use the packages for CPUs"), |(name, hint)| (Some(*name), *hint));
    Finding::warning(
        ID,
        format!("`{first}`{others}{size} include CUDA, but `enableGpu` is not set"),
        format!("{hint}, or set `enableGpu`"),
    )
    .placed(
        cause.or(included.first().map(|(name, _)| *name)).and_then(|name| subject.line_of(name)),
    )
}

/// A build for CPUs although a GPU is requested.
fn for_cpus(subject: &Subject<'_>, resolved: &Resolved<'_>) -> Option<Finding> {
    let package = resolved
        .environment
        .packages
        .iter()
        .find(|package| subject.project.gpu && package.version.ends_with("+cpu"))?;
    Some(
        Finding::warning(
            ID,
            format!(
                "`{} {}` is a build for CPUs, but `enableGpu` is set",
                package.name, package.version
            ),
            "use a build for the CUDA you have, or remove `enableGpu`",
        )
        .placed(subject.line_of(&package.name)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Severity::Warning;
    use crate::check::testing::{Case, finding};

    fn case(package: &str, version: &str) -> Case {
        Case::conda(&format!("dependencies:\n- pip:\n  - {package}\n"))
            .packages(&[(package, version)], &[])
    }

    fn gpu(case: Case) -> Case {
        case.flags(|flags| flags.enable_gpu = Some(true))
    }

    fn warning(message: &str, hint: &str) -> [Finding; 1] {
        [finding(ID, Warning, Some(("env.yml", 3)), message, hint)]
    }

    #[test]
    fn a_gpu_is_needed() {
        assert_eq!(
            case("tensorflow-gpu", "1.13.1").run(run),
            warning(
                "`tensorflow-gpu 1.13.1` needs a GPU, but `enableGpu` is not set",
                "set `enableGpu`, or use the package for CPUs"
            )
        );
        assert_eq!(
            gpu(case("onnxruntime-gpu", "1.4.0")).run(run),
            warning(
                "`onnxruntime-gpu 1.4.0` loads CUDA 10.1, which neither the environment nor the base image has",
                "use a base image with CUDA, or the package for CPUs",
            )
        );
        assert_eq!(
            gpu(case("torch", "2.1.0+cpu")).run(run),
            warning(
                "`torch 2.1.0+cpu` is a build for CPUs, but `enableGpu` is set",
                "use a build for the CUDA you have, or remove `enableGpu`",
            )
        );
        assert_eq!(case("numpy", "1.19").run(run), []);
    }

    #[test]
    fn the_cuda_versions_match() {
        let found = |package: &str, version: &str| {
            case(package, version).with(|s| s.base_cuda = Some("9.0.176")).run(run)
        };
        let hint = "use a release built with the CUDA of the base image, or another base image";
        assert_eq!(
            found("tensorflow-gpu", "1.13.1"),
            warning(
                "`tensorflow-gpu 1.13.1` was built with CUDA 10.0, and the base image has 9.0.176",
                hint
            )
        );
        assert_eq!(
            found("cupy-cuda101", "8.0"),
            warning(
                "`cupy-cuda101 8.0` was built with CUDA 10.1, and the base image has 9.0.176",
                hint
            )
        );
        for (package, version) in [("tensorflow-gpu", "1.12.0"), ("mxnet-cu90mkl", "1.5")] {
            assert_eq!(found(package, version), [], "{package}");
        }
    }

    #[test]
    fn cuda_without_a_gpu() {
        let line = "dependencies:\n- pip:\n  - torch\n";
        let cublas = ("nvidia-cublas-cu12", "12.1.3");
        let packages = [cublas, ("nvidia-cudnn-cu12", "8.9"), ("torch", "2.1.0")];
        assert_eq!(
            Case::conda(line).packages(&packages, &[]).run(run),
            warning(
                "`nvidia-cublas-cu12 12.1.3` and one more package (3 MB) include CUDA, but `enableGpu` is not set",
                "use PyTorch's build for CPUs with `--extra-index-url https://download.pytorch.org/whl/cpu` in the pip list and a version such as `torch==2.1.0+cpu`, or set `enableGpu`",
            )
        );
        assert_eq!(gpu(Case::conda(line).packages(&[cublas], &[])).run(run), []);
    }
}
