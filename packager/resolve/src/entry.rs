//! The one entry point: from a request to a complete lock.

use std::path::Path;

use mlpack_oci::Progress;

use crate::request::{Resolution, ResolveRequest};
use crate::{Error, Result};
use crate::{conda, pip};
use mlpack_lock::LockTarget;
use mlpack_lock::{BASE_PREFIX, LockedEnvironment};
use mlpack_packages::Settings;
use mlpack_requirements::pip::{PipList, Reading, RemoteLists};
use mlpack_requirements::{PipLine, Target};

/// Resolves a request to exact packages with hashes.
///
/// For a new interpreter the conda lines are solved first, and the `pip:` list is resolved for the
/// interpreter among them; the Python packages that conda provides count as installed.
///
/// # Errors
/// Those of channels, solver and archives, of uv and the index, and of the list.
pub async fn resolve(
    request: ResolveRequest<'_>,
    settings: &Settings,
    progress: &dyn Progress,
) -> Result<Resolution> {
    let directory = settings.absolute(request.directory);
    let request = ResolveRequest { directory: &directory, ..request };
    match request.target {
        LockTarget::Base(target) => {
            let found = pip::resolve(request, target, None, settings, progress).await?;
            let environment = LockedEnvironment {
                target: target.clone(),
                prefix: BASE_PREFIX.to_owned(),
                conda: Vec::new(),
                packages: found.packages,
            };
            Ok(Resolution { environment, notes: found.notes, settings: found.settings })
        }
        LockTarget::New { virtual_packages, prefix } => {
            let file = request.file.ok_or(Error::NoCondaFile)?;
            let preferences = request.preferences.map_or(&[][..], |locked| &locked.conda);
            let base = conda::Request { file, virtual_packages, prefix, preferences };
            let conda = conda::resolve(base, settings, progress).await?;
            let installed = Some(&conda.installed);
            let found = pip::resolve(request, &conda.target, installed, settings, progress).await?;
            let environment = LockedEnvironment {
                target: conda.target,
                prefix: prefix.clone(),
                conda: conda.packages,
                packages: found.packages,
            };
            let notes = conda.notes.into_iter().chain(found.notes).collect();
            Ok(Resolution { environment, notes, settings: found.settings })
        }
    }
}

/// Returns the settings with the indexes and logins that a `pip:` list names, to fetch what was
/// locked earlier. Lists that are addresses are not fetched: the lock has their contents.
///
/// # Errors
/// Those of the list.
pub fn settings_of(
    pip: &[PipLine],
    directory: &Path,
    target: &Target,
    settings: &Settings,
) -> Result<Settings> {
    let remote = RemoteLists::new();
    let variables = &settings.variables;
    let directory = &settings.absolute(directory);
    let reading = Reading { pip, directory, variables, target: Some(target), remote: &remote };
    Ok(settings.with_list(&PipList::read(reading)?))
}
