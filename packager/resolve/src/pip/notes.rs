//! Warnings about a resolved set.

use std::path::Path;

use mlpack_lock::{ArtifactOrigin, LockedPackage};
use mlpack_packages::Settings;

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
