//! What an installed conda package has besides the files of its archive.

mod meta;
mod python_lists;
mod scripts;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::Result;
use crate::options::InstallOptions;
use crate::prune::Pruned;
use mlpack_packages::FileEntry;
use mlpack_packages::conda::archive::StoredConda;
use mlpack_packages::conda::files::{self, CondaFiles};
use mlpack_requirements::PythonVersion;

/// What a package puts into an environment.
#[derive(Debug, Clone)]
pub(crate) struct InstalledConda {
    /// By path below the prefix.
    pub(crate) files: BTreeMap<String, FileEntry>,
    /// Warnings, one sentence each.
    pub(crate) notes: Vec<String>,
    /// What was left out.
    pub(crate) pruned: Vec<Pruned>,
}

/// Lists the files of a package for an environment at `prefix` in the image, with its `conda-meta`
/// record.
///
/// # Errors
/// [`mlpack_packages::Error::InvalidConda`], [`mlpack_packages::Error::PrefixTooLong`].
pub(crate) fn install(
    stored: &StoredConda,
    prefix: &str,
    python: PythonVersion,
    options: &InstallOptions<'_>,
) -> Result<InstalledConda> {
    let CondaFiles { archive, index, mut files, mut recorded } =
        files::files(stored, prefix, python)?;
    let package = &stored.package;
    let before: BTreeSet<String> = files.keys().cloned().collect();
    let changed = options.apply(&package.name, &package.sha256, prefix, &mut files)?;
    let gone = before.into_iter().filter(|path| !files.contains_key(path)).collect();
    let lists = python_lists::without(&gone, &archive, &mut files)?;
    recorded.retain(|entry| {
        entry
            .relative_path
            .to_str()
            .is_some_and(|path| files.contains_key(path) && !changed.compiled.contains(path))
    });
    for entry in &mut recorded {
        if let Some(list) = lists.iter().find(|list| entry.relative_path == Path::new(list)) {
            entry.sha256_in_prefix = files::hash(&files[list]);
        }
    }
    recorded.extend(changed.compiled.iter().map(|path| meta::bytecode(path)));
    let (name, record) = meta::record(&archive, index, stored, recorded)?;
    files.insert(format!("conda-meta/{name}"), FileEntry::bytes(record, false));
    let notes = scripts::notes(&stored.package, files.keys().map(String::as_str));
    Ok(InstalledConda { files, notes, pruned: changed.pruned })
}
