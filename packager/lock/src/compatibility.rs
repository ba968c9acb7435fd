//! Checks that locked packages load on a target: a lock may have been made for another base image.

use std::fmt;

use crate::environment::ArtifactKind;
use crate::environment::LockedEnvironment;
use mlpack_requirements::Target;
use mlpack_requirements::WheelName;

/// A locked package that does not load on a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incompatibility {
    /// Its name and version: `numpy 1.26.4`.
    pub package: String,
    /// Its file, whose name has the tags.
    pub file: String,
    /// What it is for and what the target is, as a sentence.
    pub reason: String,
}

impl fmt::Display for Incompatibility {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is locked as {}: {}", self.package, self.file, self.reason)
    }
}

impl Incompatibility {
    /// Returns what the user can do about it.
    pub fn hint(&self) -> &'static str {
        "run `mlpack lock` for this base image, or use the base image that the lock was made for"
    }
}

/// The locked packages that do not load on `target`, in the order of the lock. For an environment
/// with a new interpreter, `target.python` is the version of that one.
pub fn incompatibilities(environment: &LockedEnvironment, target: &Target) -> Vec<Incompatibility> {
    let conda = environment.conda.iter().filter_map(|package| {
        let own = target.architecture.conda_subdir();
        let subdir = &package.subdir;
        (subdir != own && subdir != "noarch").then(|| Incompatibility {
            package: format!("{} {}", package.name, package.version),
            file: package.url.rsplit('/').next().unwrap_or(&package.url).to_owned(),
            reason: format!("it is for {subdir}, the image is {own}"),
        })
    });
    let wheels = environment.packages.iter().filter_map(|package| {
        let file = &package.artifact.filename;
        if package.artifact.kind != ArtifactKind::Wheel {
            return None;
        }
        Some(Incompatibility {
            package: format!("{} {}", package.name, package.version),
            file: file.clone(),
            reason: WheelName::parse(file)?.incompatibility(target)?,
        })
    });
    conda.chain(wheels).collect()
}

#[cfg(test)]
mod tests {
    use mlpack_oci::Digest;

    use super::*;
    use crate::conda_package::CondaPackage;
    use crate::environment::{Artifact, ArtifactOrigin, LockedPackage};
    use mlpack_requirements::Architecture;
    use mlpack_requirements::PythonVersion;

    #[test]
    fn a_lock_of_another_base() {
        let target = Target {
            python: PythonVersion::new(3, 8, 18),
            glibc: mlpack_requirements::Glibc(2, 27),
            architecture: Architecture::Amd64,
            interpreter: "/usr/bin/python3.8".to_owned(),
        };
        let package = |file: &str| LockedPackage {
            name: "a".to_owned(),
            version: "1".to_owned(),
            artifact: Artifact {
                kind: match file.ends_with(".whl") {
                    true => ArtifactKind::Wheel,
                    false => ArtifactKind::Sdist,
                },
                filename: file.to_owned(),
                origin: ArtifactOrigin::Url(String::new()),
                size: None,
                sha256: Digest::of(b""),
            },
        };
        let conda = |subdir: &str| CondaPackage {
            name: "c".to_owned(),
            version: "2".to_owned(),
            build: "0".to_owned(),
            subdir: subdir.to_owned(),
            channel: String::new(),
            url: format!("https://c.example/{subdir}/c-2-0.conda"),
            sha256: Digest::of(b""),
            size: None,
        };
        let environment = LockedEnvironment {
            target: target.clone(),
            prefix: "/e".to_owned(),
            conda: ["noarch", "linux-aarch64", "linux-64"].map(conda).to_vec(),
            packages: [
                "a-1-cp38-cp38-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
                "a-1-cp38-cp38-manylinux_2_28_x86_64.whl",
                "a-1.tar.gz",
            ]
            .map(package)
            .to_vec(),
        };
        let found: Vec<String> =
            incompatibilities(&environment, &target).iter().map(ToString::to_string).collect();
        assert_eq!(
            found,
            [
                "c 2 is locked as c-2-0.conda: it is for linux-aarch64, the image is linux-64",
                "a 1 is locked as a-1-cp38-cp38-manylinux_2_28_x86_64.whl: it is for glibc 2.28 and newer, the image has glibc 2.27",
            ]
        );
    }
}
