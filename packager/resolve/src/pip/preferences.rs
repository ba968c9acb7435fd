//! Versions and files of an earlier lock that are kept where possible.

use std::collections::BTreeSet;

use mlpack_lock::{ArtifactKind, ArtifactOrigin, LockedEnvironment, LockedPackage};
use mlpack_requirements::pip::PipList;

/// Renders a `pylock.toml` that has names and versions only: uv prefers the versions of a lock that it
/// is going to replace.
pub(crate) fn pylock(locked: &LockedEnvironment) -> String {
    let mut text = "lock-version = \"1.0\"\ncreated-by = \"mlpack\"\n".to_owned();
    if locked.packages.is_empty() {
        text.push_str("packages = []\n");
    }
    for package in &locked.packages {
        text.push_str(&format!(
            "\n[[packages]]\nname = {}\nversion = {}\n",
            toml::Value::from(package.name.as_str()),
            toml::Value::from(package.version.as_str())
        ));
    }
    text
}

/// Whether a list still allows the file that a package was locked to. Files of this machine are never
/// kept: they are used as they are now.
pub(crate) fn allows(list: &PipList, package: &LockedPackage) -> bool {
    let LockedPackage { name, artifact, .. } = package;
    let is_wheel = artifact.kind == ArtifactKind::Wheel;
    let of = |names: &BTreeSet<String>| names.contains(name) || names.contains(":all:");
    let hashes = list.hashes.get(name);
    matches!(artifact.origin, ArtifactOrigin::Url(_))
        && !(is_wheel && of(&list.no_binary))
        && (is_wheel || !of(&list.only_binary))
        && hashes.is_none_or(|allowed| allowed.contains(&artifact.sha256.hex()))
}

/// Keeps the file of each package whose version stayed: a release may have more files by now.
pub(crate) fn keep_files(
    packages: &mut [LockedPackage],
    locked: &LockedEnvironment,
    list: &PipList,
) {
    for package in packages {
        if let Some(before) = locked.package(&package.name)
            && before.version == package.version
            && matches!(package.artifact.origin, ArtifactOrigin::Url(_))
            && allows(list, before)
        {
            package.artifact = before.artifact.clone();
        }
    }
}
