//! Warnings about a resolved set.

use std::path::Path;
use std::str::FromStr as _;

use pep440_rs::Version;

use mlpack_lock::{ArtifactOrigin, LockedPackage};
use mlpack_packages::Settings;

/// Flask before 1.1 imports names that later releases of its dependencies removed
/// (docs/azureml-2019.md#0.3).
pub(crate) fn flask_incompatibility(packages: &[LockedPackage]) -> Option<String> {
    const LIMITS: [(&str, &str); 4] =
        [("itsdangerous", "2.1"), ("jinja2", "3.1"), ("markupsafe", "2.1"), ("werkzeug", "2.0")];
    let version = |name: &str| {
        let package = packages.iter().find(|package| package.name == name)?;
        Version::from_str(&package.version).ok()
    };
    let flask = version("flask")?;
    if flask >= Version::new([1, 1]) {
        return None;
    }
    let pins: Vec<String> = LIMITS
        .iter()
        .filter(|(name, limit)| {
            let limit = Version::from_str(limit);
            matches!((version(name), limit), (Some(found), Ok(limit)) if found >= limit)
        })
        .map(|(name, limit)| format!("{name}<{limit}"))
        .collect();
    if pins.is_empty() {
        return None;
    }
    Some(format!(
        "flask {flask} cannot be imported with these versions of its dependencies; add to the pip list: {}",
        pins.join(", ")
    ))
}

/// Leaves out places of PIP_FIND_LINKS that are not there, as pip does, and says so. Those of the list are checked where they
/// are read.
pub(crate) fn ignore_missing_folders(settings: &mut Settings, directory: &Path) -> Vec<String> {
    let is_there = |place: &String| place.contains("://") || directory.join(place).exists();
    let places = std::mem::take(&mut settings.indexes.find_links);
    let (found, missing): (Vec<_>, Vec<_>) = places.into_iter().partition(is_there);
    settings.indexes.find_links = found;
    let note = |place| {
        format!(
            "ignored `{place}` of PIP_FIND_LINKS or UV_FIND_LINKS, as pip does: there is no such folder or file"
        )
    };
    missing.into_iter().map(note).collect()
}

/// Names the packages to which `--exclude-newer` does not apply: files behind `--find-links` have no
/// upload time. They are used whatever their age, as local files are with pip's
/// `--uploaded-prior-to` (pip documentation, "Filtering by Upload Time").
pub(crate) fn undated_files(
    packages: &[LockedPackage],
    settings: &Settings,
    directory: &Path,
) -> Option<String> {
    settings.exclude_newer.as_ref()?;
    let folders = settings.indexes.folders(directory);
    let pages: Vec<&String> =
        settings.indexes.find_links.iter().filter(|place| place.starts_with("http")).collect();
    let names: Vec<String> = packages
        .iter()
        .filter(|package| match &package.artifact.origin {
            ArtifactOrigin::Path(path) => folders.iter().any(|folder| path.starts_with(folder)),
            ArtifactOrigin::Url(url) => pages.iter().any(|page| url.starts_with(&***page)),
            ArtifactOrigin::Git { .. } => false,
        })
        .map(|package| format!("{} {}", package.name, package.version))
        .collect();
    (!names.is_empty()).then(|| {
        format!(
            "--exclude-newer does not apply to {}: files behind --find-links have no upload time",
            names.join(", ")
        )
    })
}
