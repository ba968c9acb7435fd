//! Conda installations of an image, by the records of their packages.

use mlpack_oci::rootfs::{Found, RootFs};
use serde::Serialize;

use super::fact::{Evidence, Fact};

/// A conda installation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Conda {
    /// Its root: `/opt/miniconda`.
    pub root: String,
    /// The version of the package `conda` in it.
    pub version: String,
}

/// Returns all conda installations, those on `PATH` first.
pub(super) fn find(
    root: &RootFs,
    path_dirs: &[String],
    at: &dyn Fn(&Found<'_>) -> Evidence,
) -> Vec<Fact<Conda>> {
    let mut found: Vec<Fact<Conda>> = root
        .below("")
        .filter_map(|(path, entry)| {
            let (dir, name) = path.rsplit_once('/')?;
            let prefix = dir.strip_suffix("conda-meta")?.trim_end_matches('/');
            let version = version_in(name, "conda")?;
            let value = Conda { root: format!("/{prefix}"), version };
            Some(Fact { value, evidence: at(&entry) })
        })
        .collect();
    let rank = |conda: &Conda| {
        let bin = format!("{}/bin", conda.root);
        path_dirs.iter().position(|dir| *dir == bin).unwrap_or(usize::MAX)
    };
    found.sort_by_key(|fact| (rank(&fact.value), fact.value.root.clone()));
    found
}

/// Returns the version of a conda package by its record in `dir`.
pub(super) fn record_version<'a>(
    root: &'a RootFs,
    dir: &str,
    package: &str,
) -> Option<(String, Found<'a>)> {
    let dir = root.find(dir)?.path;
    root.below(&dir)
        .find_map(|(path, found)| Some((version_in(path.rsplit('/').next()?, package)?, found)))
}

/// `4.6.14` of `conda-4.6.14-py36_0.json`: a name may contain dashes, version and build do not.
fn version_in(file: &str, package: &str) -> Option<String> {
    let mut parts = file.strip_suffix(".json")?.rsplitn(3, '-');
    let (_build, version, name) = (parts.next()?, parts.next()?, parts.next()?);
    (name == package).then(|| version.to_owned())
}
