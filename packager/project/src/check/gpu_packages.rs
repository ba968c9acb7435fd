//! Packages for graphics cards, `enableGpu`, and the CUDA of the base (docs/azureml-2019.md#9.19).
//! As long as the packages are not resolved, by what the conda file lists.

use std::path::PathBuf;

use super::cuda::{self, Cuda};
use super::resolved::Resolved;
use super::{Finding, Subject};

pub(super) const ID: &str = "deps.gpu";

/// Packages that come with CUDA unless asked otherwise, and how to ask otherwise (PyTorch, "Get
/// started"; XGBoost, "Installation guide").
const FOR_CPUS: &[(&str, &str)] = &[
    (
        "torch",
        "take PyTorch's build for CPUs with `--extra-index-url https://download.pytorch.org/whl/cpu` in the pip list and a version such as `torch==2.1.0+cpu`",
    ),
    ("xgboost", "list `xgboost-cpu` instead of `xgboost`"),
];

/// A package as a finding speaks of it.
struct Package {
    text: String,
    cuda: Cuda,
    place: Option<(PathBuf, usize)>,
}

pub(super) fn run(subject: &Subject<'_>) -> Vec<Finding> {
    match &subject.resolved {
        Some(resolved) => of_resolved(subject, resolved),
        None if subject.will_resolve => Vec::new(),
        None => of_list(subject),
    }
}

fn of_list(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(packages) = subject.packages() else { return Vec::new() };
    packages
        .iter()
        .filter_map(|listed| {
            // Only where the release is known does its CUDA follow.
            let version = listed.exact();
            let cuda = cuda::of(&listed.name, version)?;
            let text = listed.text.clone();
            let package = Package { text, cuda, place: listed.place() };
            // Without the packages the base's CUDA may be unknown still.
            fault(subject, &package, subject.base_cuda)
        })
        .collect()
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
    let (mut brought, mut bytes) = (Vec::new(), 0);
    for (name, version, size) in conda.chain(wheels) {
        let Some(cuda) = cuda::of(name, Some(version)) else { continue };
        if cuda == Cuda::Brought {
            brought.push((name.as_str(), version.as_str()));
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
    if let [(name, version), ..] = brought[..]
        && !subject.project.gpu
        && subject.base_cuda.is_none()
    {
        found.push(needless(subject, environment, &brought, bytes, &format!("{name} {version}")));
    }
    found.extend(for_cpus(subject, resolved));
    found
}

/// What loads the image's CUDA.
fn fault(subject: &Subject<'_>, package: &Package, there: Option<&str>) -> Option<Finding> {
    let Package { text, cuda, place } = package;
    let finding = |message: String, remedy: &str| {
        Some(Finding::warning(ID, message, remedy).placed(place.clone()))
    };
    // An own base image with CUDA needs no flag.
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
        "take a base image with CUDA, or use the package for CPUs",
    )
    .placed(package.place.clone())
}

/// What brings CUDA into an image without a graphics card.
fn needless(
    subject: &Subject<'_>,
    environment: &mlpack_lock::LockedEnvironment,
    brought: &[(&str, &str)],
    bytes: u64,
    first: &str,
) -> Finding {
    let others = match brought.len() - 1 {
        0 => String::new(),
        1 => " and one more package".to_owned(),
        more => format!(" and {more} more packages"),
    };
    let size =
        if bytes == 0 { String::new() } else { format!(" ({} MB)", bytes.div_ceil(1_000_000)) };
    let (cause, remedy) = FOR_CPUS
        .iter()
        .find(|(name, _)| environment.package(name).is_some())
        .map_or((None, "use the packages for CPUs"), |(name, remedy)| (Some(*name), *remedy));
    Finding::warning(
        ID,
        format!("`{first}`{others}{size} bring CUDA, but `enableGpu` is not set"),
        format!("{remedy}, or set `enableGpu`"),
    )
    .placed(cause.or(brought.first().map(|(name, _)| *name)).and_then(|name| subject.line_of(name)))
}

/// Builds for CPUs where a graphics card is asked for.
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
            "take a build for the CUDA you have, or leave out `enableGpu`",
        )
        .placed(subject.line_of(&package.name)),
    )
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

    fn resolved(packages: &[(&str, &str)]) -> Option<Resolved<'static>> {
        Some(super::super::resolved::tests::resolved(packages, &[]))
    }

    #[test]
    fn what_resolving_brings_along() {
        let line = "dependencies:\n- pip:\n  - torch\n";
        assert_eq!(
            Case::conda(line)
                .with(|subject| {
                    subject.resolved = resolved(&[
                        ("nvidia-cublas-cu12", "12.1.3"),
                        ("nvidia-cudnn-cu12", "8.9"),
                        ("torch", "2.1.0"),
                    ]);
                })
                .run(run),
            [finding(
                ID,
                Warning,
                Some(("env.yml", 3)),
                "`nvidia-cublas-cu12 12.1.3` and one more package (3 MB) bring CUDA, but `enableGpu` is not set",
                "take PyTorch's build for CPUs with `--extra-index-url https://download.pytorch.org/whl/cpu` in the pip list and a version such as `torch==2.1.0+cpu`, or set `enableGpu`",
            )]
        );
        let gpu = |adjust| {
            Case::conda(line).flags(|flags| flags.enable_gpu = Some(true)).with(adjust).run(run)
        };
        assert_eq!(
            gpu(|subject| subject.resolved = resolved(&[("nvidia-cublas-cu12", "12.1.3")])),
            []
        );
        assert_eq!(
            gpu(|subject| subject.resolved = resolved(&[("torch", "2.1.0+cpu")])),
            [finding(
                ID,
                Warning,
                Some(("env.yml", 3)),
                "`torch 2.1.0+cpu` is a build for CPUs, but `enableGpu` is set",
                "take a build for the CUDA you have, or leave out `enableGpu`",
            )]
        );
        let onnx = |subject: &mut Subject<'_>| {
            subject.resolved = resolved(&[("onnxruntime-gpu", "1.4.0")]);
        };
        assert_eq!(
            gpu(onnx),
            [finding(
                ID,
                Warning,
                None,
                "`onnxruntime-gpu 1.4.0` loads CUDA 10.1, which neither the environment nor the base image has",
                "take a base image with CUDA, or use the package for CPUs",
            )]
        );
        assert_eq!(Case::conda(line).with(|subject| subject.will_resolve = true).run(run), []);
    }
}
