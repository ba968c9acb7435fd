//! Versions that stay as they are when the rest is resolved anew.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use crate::lock::environment::{ArtifactKind, ArtifactOrigin, LockedEnvironment, LockedPackage};
use crate::pip_list::PipList;
use crate::{Error, Result};
use mlpack_oci::pending::PendingFolder;

/// Writes a lock of the standard form that only names versions: a resolver that finds it where its
/// own lock goes prefers them.
pub(crate) fn preferred(held: &LockedEnvironment, folder: &PendingFolder) -> Result<PathBuf> {
    let path = folder.path().join("pylock.held.toml");
    let mut text = "lock-version = \"1.0\"\ncreated-by = \"mlpack\"\n".to_owned();
    for package in &held.packages {
        text.push_str(&format!(
            "\n[[packages]]\nname = {}\nversion = {}\n",
            toml::Value::from(package.name.as_str()),
            toml::Value::from(package.version.as_str())
        ));
    }
    fs::write(&path, text).map_err(Error::io("write", &path))?;
    Ok(path)
}

/// Whether a list still allows the file that a package was locked to. Files of this machine are taken
/// as they are now.
pub(crate) fn may_stay(package: &LockedPackage, list: &PipList) -> bool {
    let LockedPackage { name, artifact, .. } = package;
    let is_wheel = artifact.kind == ArtifactKind::Wheel;
    let of = |names: &BTreeSet<String>| names.contains(name) || names.contains(":all:");
    let hashes = list.hashes.get(name);
    matches!(artifact.origin, ArtifactOrigin::Url(_))
        && !(is_wheel && of(&list.no_binary))
        && (is_wheel || !of(&list.only_binary))
        && hashes.is_none_or(|allowed| allowed.contains(&artifact.sha256.hex()))
}

/// A release may have got further files since: of one that stayed, the file stays too.
pub(crate) fn keep_files(
    environment: &mut LockedEnvironment,
    held: &LockedEnvironment,
    list: &PipList,
) {
    if environment.target != held.target {
        return;
    }
    for package in &mut environment.packages {
        if let Some(before) = held.package(&package.name)
            && before.version == package.version
            && matches!(package.artifact.origin, ArtifactOrigin::Url(_))
            && may_stay(before, list)
        {
            package.artifact = before.artifact.clone();
        }
    }
}
