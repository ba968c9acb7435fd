//! Versions that stay as they are when the rest is resolved anew.

use std::fs;
use std::path::PathBuf;

use crate::lock::{ArtifactOrigin, LockedEnvironment};
use crate::work_folder::WorkFolder;
use crate::{Error, Result};

/// Writes a lock of the standard form that only names versions: a resolver that finds it where its
/// own lock goes prefers them.
pub(crate) fn preferred(held: &LockedEnvironment, folder: &WorkFolder) -> Result<PathBuf> {
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

/// A release may have got further files since: of one that stayed, the file stays too. Files of
/// this machine are taken as they are now.
pub(crate) fn keep_files(environment: &mut LockedEnvironment, held: &LockedEnvironment) {
    if environment.target != held.target {
        return;
    }
    for package in &mut environment.packages {
        if let Some(before) = held.package(&package.name)
            && before.version == package.version
            && matches!(before.artifact.origin, ArtifactOrigin::Url(_))
            && matches!(package.artifact.origin, ArtifactOrigin::Url(_))
        {
            package.artifact = before.artifact.clone();
        }
    }
}
