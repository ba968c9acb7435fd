//! Shared libraries that packages need and neither the environment nor the base has
//! (docs/azureml-2019.md#9.18). A package fails when it is imported, or when it first uses the part
//! that needs the library, so this only warns.

use std::collections::BTreeSet;

use mlpack_install::MissingLibrary;

use crate::analysis::python::Import;
use crate::check::{Finding, Needs, Subject};

pub(crate) const ID: &str = "deps.libraries";
pub(crate) const NEEDS: Needs = Needs::Packages;

/// Number of files to name; the others are counted.
const NAMED: usize = 2;

/// Packages and their variants for machines without a display (PyPI, their descriptions).
const HEADLESS: &[(&str, &str)] = &[
    ("opencv-python", "opencv-python-headless"),
    ("opencv-contrib-python", "opencv-contrib-python-headless"),
];

pub(crate) fn run(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(resolved) = subject.resolved else { return Vec::new() };
    resolved
        .missing_libraries()
        .iter()
        // NVIDIA's packages have plug-ins for data center networks, which are only loaded there.
        .filter(|missing| !missing.package.starts_with("nvidia-"))
        .filter(|missing| missing.package != "dotnetcore2" || reads_data(subject))
        .collect::<Vec<_>>()
        .chunk_by(|one, other| one.package == other.package)
        .filter_map(|missing| {
            let package = &missing.first()?.package;
            let finding = Finding::warning(ID, message(package, missing), hint(package, missing));
            Some(finding.placed(subject.line_of(package)))
        })
        .collect()
}

/// Whether a script reads data sets: only then azureml-dataprep starts .NET, which every azureml-sdk includes.
fn reads_data(subject: &Subject<'_>) -> bool {
    let is_data = |import: &Import| {
        let below = |parent: &str| import.module.starts_with(parent);
        below("azureml.dataprep")
            || below("azureml.data")
            || below("azureml.core.dataset")
            || (import.module == "azureml.core"
                && import.names.iter().any(|name| name == "Dataset"))
    };
    subject.loaded().any(|script| script.imports.iter().any(is_data))
}

/// Returns the message about one package.
fn message(package: &str, missing: &[&MissingLibrary]) -> String {
    let files: BTreeSet<&String> = missing.iter().flat_map(|missing| &missing.files).collect();
    let named: Vec<String> = files.iter().take(NAMED).map(|file| format!("`{file}`")).collect();
    let more = match files.len() - named.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let names: Vec<String> = missing.iter().map(|one| format!("`{}`", one.soname)).collect();
    if files.is_empty() {
        return format!(
            "{package} loads {} at run time, which neither the environment nor the base image has",
            names.join(", ")
        );
    }
    let need = if files.len() == 1 { "needs" } else { "need" };
    format!(
        "{}{more} of {package} {need} {}, which neither the environment nor the base image has",
        named.join(", "),
        names.join(", ")
    )
}

fn hint(package: &str, missing: &[&MissingLibrary]) -> String {
    if let Some((_, headless)) = HEADLESS.iter().find(|(name, _)| *name == package) {
        return format!("list {headless} instead, or use a base image with {}", packages(missing));
    }
    if missing.iter().any(|missing| is_cuda(&missing.soname)) {
        return "use a base image with the CUDA that the package was built with, or the package for CPUs".to_owned();
    }
    if let Some(minor) = missing.iter().find_map(|missing| missing.python()) {
        return format!(
            "use a base image whose Python {minor} has a shared library, or another release of {package}"
        );
    }
    format!(
        "use a base image with {}, or a release of {package} that includes what it needs",
        packages(missing)
    )
}

/// Returns packages of Debian and Ubuntu that contain the libraries, as far as they are known.
fn packages(missing: &[&MissingLibrary]) -> String {
    let mut names: Vec<String> = Vec::new();
    for missing in missing {
        let known: Vec<&str> = missing.debian().collect();
        let name = known.join(" or ");
        if !known.is_empty() && !names.contains(&name) {
            names.push(name);
        }
    }
    match names.len() {
        0 => "these libraries".to_owned(),
        1 => format!("the Debian or Ubuntu package {}", names[0]),
        _ => format!("the Debian or Ubuntu packages {}", names.join(", ")),
    }
}

/// Libraries of NVIDIA's toolkits (CUDA Toolkit, "Release notes", components).
fn is_cuda(soname: &str) -> bool {
    [
        "libcudart",
        "libcublas",
        "libcudnn",
        "libcufft",
        "libcurand",
        "libcusolver",
        "libcusparse",
        "libnccl",
        "libnvrtc",
        "libnvinfer",
        "libnvonnxparser",
        "libnvToolsExt",
        "libcupti",
        "libnvJitLink",
        "libcufile",
        "libnpp",
        "libnvjpeg",
    ]
    .iter()
    .any(|start| soname.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_and_hints() {
        let missing = |package: &str, soname: &str, files: &[&str]| MissingLibrary {
            package: package.to_owned(),
            soname: soname.to_owned(),
            files: files.iter().map(|file| (*file).to_owned()).collect(),
        };
        let gl = [
            missing("opencv-python", "libGL.so.1", &["cv2/a.so", "cv2/b.so", "cv2/c.so"]),
            missing("opencv-python", "libgthread-2.0.so.0", &["cv2/a.so"]),
            missing("opencv-python", "libglib-2.0.so.0", &["cv2/a.so"]),
        ];
        assert_eq!(
            message("opencv-python", &gl.each_ref()),
            "`cv2/a.so`, `cv2/b.so` and 1 more of opencv-python need `libGL.so.1`, `libgthread-2.0.so.0`, `libglib-2.0.so.0`, which neither the environment nor the base image has"
        );
        assert_eq!(
            hint("opencv-python", &gl.each_ref()),
            "list opencv-python-headless instead, or use a base image with the Debian or Ubuntu packages libgl1 or libgl1-mesa-glx, libglib2.0-0"
        );
        let icu = [missing("dotnetcore2", "libicuuc.so", &[])];
        assert_eq!(
            message("dotnetcore2", &icu.each_ref()),
            "dotnetcore2 loads `libicuuc.so` at run time, which neither the environment nor the base image has"
        );
        assert_eq!(
            hint("dotnetcore2", &icu.each_ref()),
            "use a base image with the Debian or Ubuntu package libicu72 or libicu70 or libicu66 or libicu60, or a release of dotnetcore2 that includes what it needs"
        );
        let one = |soname: &str| [missing("a", soname, &["a.so"])];
        assert_eq!(
            message("a", &one("libcublas.so.11").each_ref()),
            "`a.so` of a needs `libcublas.so.11`, which neither the environment nor the base image has"
        );
        for (soname, expected) in [
            (
                "libcublas.so.11",
                "use a base image with the CUDA that the package was built with, or the package for CPUs",
            ),
            (
                "libpython3.8.so.1.0",
                "use a base image whose Python 3.8 has a shared library, or another release of a",
            ),
            (
                "libgomp.so.1",
                "use a base image with the Debian or Ubuntu package libgomp1, or a release of a that includes what it needs",
            ),
            (
                "libown.so",
                "use a base image with these libraries, or a release of a that includes what it needs",
            ),
        ] {
            assert_eq!(hint("a", &one(soname).each_ref()), expected);
        }
    }
}
