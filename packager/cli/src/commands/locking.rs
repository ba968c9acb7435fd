//! The lock file of a project: found, held against what is asked for, and used where it fits.

use std::path::{Path, PathBuf};

use mlpack_lock::{LOCK_NAME, LockFile, LockFit, LockInputs, LockPlaces};
use mlpack_packages::Settings;
use mlpack_project::project::{CondaSource, Project};
use mlpack_resolve::{Resolution, lock_inputs};

use super::environment::{Asked, resolve, settings_for};
use crate::args::{LockUseArgs, ProjectArgs};
use crate::context::Context;
use crate::failure::Result;

/// Where the lock file of a project is: as named, else beside the conda file, else in the working
/// directory.
pub(crate) fn lock_path(context: &Context, args: &ProjectArgs, project: &Project) -> PathBuf {
    if let Some(lock) = &args.lock {
        return context.cwd.join(lock);
    }
    let beside = match &project.conda {
        Some(CondaSource::File(path) | CondaSource::Inline { path, .. }) => path.parent(),
        None => None,
    };
    beside.unwrap_or(&context.cwd).join(LOCK_NAME)
}

/// Fails if a lock file is demanded and there is none, before anything is read.
pub(crate) fn demand(lock: &Path, lock_use: LockUseArgs) -> Result<()> {
    if lock_use.locked && !lock.is_file() {
        return Err(mlpack_lock::Error::Missing { path: lock.to_owned() }.into());
    }
    Ok(())
}

/// What a lock file written now would say it was made from.
pub(crate) fn inputs(asked: Asked<'_>, lock: &Path, settings: &Settings) -> Result<LockInputs> {
    let lock_target = asked.choice.lock_target();
    Ok(lock_inputs(asked.conda, asked.directory, lock_target, settings, lock)?)
}

/// Tells what differs although the lock file fits.
pub(crate) fn tell_notes(context: &Context, name: &str, fit: &LockFit) {
    if let Some(other) = &fit.other_base {
        context.progress.note(&format!("{name}: {other}"));
    }
    if let Some(other) = &fit.other_indexes {
        let held = "every file is held to its hash, wherever it comes from";
        context.progress.note(&format!("{name}: {other}; {held}"));
    }
}

/// The packages of the lock file if it fits, else as they are resolved now, as near to it as can be.
/// The file stays as it is.
pub(crate) fn locked(
    context: &Context,
    asked: Asked<'_>,
    lock: &Path,
    args: &ProjectArgs,
    lock_use: LockUseArgs,
    settings: &Settings,
) -> Result<Resolution> {
    let links = settings.indexes.folders(asked.directory);
    let places = LockPlaces { current_dir: &settings.current_dir, find_links: &links };
    let Some(found) = LockFile::load(lock, places)? else {
        if args.lock.is_some() || lock_use.locked {
            return Err(mlpack_lock::Error::Missing { path: lock.to_owned() }.into());
        }
        return resolve(context, asked, None, settings);
    };
    let now = inputs(asked, lock, settings)?;
    let fit = found.fit(&now, asked.choice.lock_target(), &asked.locked_base());
    let name = shown(context, lock);
    if fit.is_good() {
        tell_notes(context, &name, &fit);
        let packages = found.environment.conda.len() + found.environment.packages.len();
        context.progress.note(&format!("{name} fits: {packages} packages are taken from it"));
        let environment = found.environment;
        let settings = settings_for(asked, &environment.target, settings)?;
        return Ok(Resolution { environment, notes: Vec::new(), settings });
    }
    if lock_use.locked {
        return Err(mlpack_lock::Error::OutOfDate {
            path: lock.to_owned(),
            differences: fit.differences,
        }
        .into());
    }
    context.progress.note(&format!(
        "{name} does not fit: {}; what else is in it stays where it can, and `mlpack lock` writes that down",
        fit.differences.join("; ")
    ));
    resolve(context, asked, Some(&found.environment), settings)
}

/// A path as it would be typed here.
pub(crate) fn shown(context: &Context, path: &Path) -> String {
    path.strip_prefix(&context.cwd).unwrap_or(path).display().to_string()
}
