//! The packages of a project, once they are resolved and fetched.

use std::collections::BTreeSet;

use mlpack_install::{BaseLibraries, Inventory, MissingLibrary, Modules};
use mlpack_lock::LockedEnvironment;
use mlpack_oci::rootfs::RootFs;

use crate::base::{modules, shared_libraries};

/// Exact packages and the base they are installed on.
#[derive(Debug, Clone, Copy)]
pub struct Resolved<'a> {
    /// The packages.
    pub environment: &'a LockedEnvironment,
    /// Their contents.
    pub inventory: &'a Inventory,
    /// The base's file system.
    pub root: &'a RootFs,
    /// The base's environment variables.
    pub env: &'a [String],
}

impl Resolved<'_> {
    /// Returns the libraries that packages need and nothing provides.
    pub(super) fn missing_libraries(&self) -> Vec<MissingLibrary> {
        let target = &self.environment.target;
        // What an interpreter is linked with is found for everything that it loads.
        let own =
            target.interpreter.rsplit_once("/bin/").map(|(prefix, _)| format!("{prefix}/lib"));
        let names: BTreeSet<String> = shared_libraries(self.root, self.env, own.as_slice());
        let has = |path: &str| self.root.find(path).is_some();
        let base = BaseLibraries { names: &names, holds: &has };
        self.inventory.missing_libraries(target.architecture, base)
    }

    /// Returns the release of a package.
    pub(super) fn release(&self, package: &str) -> Option<&str> {
        let wheel = self.environment.package(package).map(|found| found.version.as_str());
        wheel.or_else(|| {
            let conda = self.environment.conda.iter().find(|found| found.name == package);
            conda.map(|found| found.version.as_str())
        })
    }

    /// Returns everything that can be imported besides the standard library and the project's
    /// files.
    pub(super) fn modules(&self) -> Modules {
        let mut all = self.inventory.modules();
        if self.environment.conda.is_empty() {
            let target = &self.environment.target;
            let minor = target.python.minor_text();
            all.extend(&modules(self.root, self.env, &target.interpreter, &minor));
        }
        all
    }
}

#[cfg(test)]
pub(super) mod tests {
    use mlpack_lock::{Artifact, ArtifactKind, ArtifactOrigin, LockedPackage};
    use mlpack_oci::Digest;
    use mlpack_oci::rootfs::{Entry, Kind, LayerIndex};
    use mlpack_requirements::{Architecture, PythonVersion, Target};

    use super::*;

    /// Packages of these names and versions on a base whose interpreter has these modules. Leaked,
    /// so that tests need not keep it.
    pub(crate) fn resolved(
        python: PythonVersion,
        packages: &[(&str, &str)],
        modules: &[&str],
    ) -> Resolved<'static> {
        let package = |(name, version): &(&str, &str)| LockedPackage {
            name: (*name).to_owned(),
            version: (*version).to_owned(),
            artifact: Artifact {
                kind: ArtifactKind::Wheel,
                filename: format!("{name}-{version}-py3-none-any.whl"),
                origin: ArtifactOrigin::Url(String::new()),
                size: Some(1_500_000),
                sha256: Digest::of(b""),
            },
        };
        let environment = LockedEnvironment {
            target: Target {
                python,
                glibc: mlpack_requirements::Glibc(2, 27),
                architecture: Architecture::Amd64,
                interpreter: format!("/opt/conda/bin/python{}", python.minor_text()),
            },
            prefix: "/opt/mlpack/env".to_owned(),
            conda: Vec::new(),
            packages: packages.iter().map(package).collect(),
        };
        let file = Entry { kind: Kind::File(1), mode: 0o644, uid: 0, gid: 0, stamp: None };
        let minor = python.minor_text();
        let place = |module: &&str| format!("opt/conda/lib/python{minor}/site-packages/{module}");
        let index = LayerIndex {
            entries: modules.iter().map(|module| (place(module), file.clone())).collect(),
            ..LayerIndex::default()
        };
        Resolved {
            environment: Box::leak(Box::new(environment)),
            inventory: Box::leak(Box::default()),
            root: Box::leak(Box::new(RootFs::merge([&index]))),
            env: &[],
        }
    }
}
