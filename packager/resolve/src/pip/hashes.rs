//! Lists with hashes: every package then needs one (pip, "Secure installs").

use crate::Result;
use crate::error::PipError;
use crate::pip::server::ServerChoice;
use mlpack_lock::LockedPackage;
use mlpack_lock::SERVER;
use mlpack_requirements::pip::PipList;

/// Checks that every package has a hash in the list. The server that is added and its dependencies
/// have none; a note names them.
pub(crate) fn check(
    packages: &[LockedPackage],
    list: &PipList,
    choice: &ServerChoice,
) -> Result<Option<String>> {
    if !list.require_hashes {
        return Ok(None);
    }
    let names: Vec<String> = packages
        .iter()
        .filter(|package| !list.hashes.contains_key(&package.name))
        .map(|package| format!("{}=={}", package.name, package.version))
        .collect();
    if names.is_empty() {
        return Ok(None);
    }
    if !choice.added.iter().any(|line| line.starts_with(SERVER)) {
        return Err(PipError::HashesMissing { names }.into());
    }
    Ok(Some(format!(
        "the pip list has hashes, but none for the packages of the added server; using the hashes of the index for {}",
        names.join(", ")
    )))
}
