//! A lock file in use: compared with what the project asks for, and taken where it is up to date.

use std::path::Path;

use mlpack_lock::{Error as LockError, LockFile, LockFit, LockInputs};
use mlpack_resolve::{Resolution, lock_inputs};

use crate::environment::{EnvironmentInputs, resolve, settings_for};
use crate::{LockUse, Refusal, Result, Session, counted};

/// Fails if a lock file is required and there is none, before anything is read.
pub(crate) fn require(session: &Session, lock: &Path, lock_use: LockUse) -> Result<()> {
    if lock_use == LockUse::Required && !lock.is_file() {
        return Err(Refusal::NoLock { lock: session.relative(lock) }.into());
    }
    Ok(())
}

/// Returns the inputs that a lock file written now would record.
pub(crate) fn recorded_inputs(
    session: &Session,
    inputs: EnvironmentInputs<'_>,
    lock: &Path,
) -> Result<LockInputs> {
    let (target, settings) = (&inputs.selection.interpreter, &session.packages);
    let EnvironmentInputs { conda, directory, server, .. } = inputs;
    Ok(lock_inputs(conda, directory, target, settings, lock, server)?)
}

/// Notes what differs although the lock file is up to date.
pub(crate) fn note_differences(session: &Session, name: &str, fit: &LockFit) {
    if let Some(other) = &fit.other_base {
        session.progress.note(&format!("{name}: {other}"));
    }
    if let Some(other) = &fit.other_indexes {
        let verified = "every file is verified by its hash, wherever it comes from";
        session.progress.note(&format!("{name}: {other}; {verified}"));
    }
}

/// Returns the packages of the lock file if it is up to date; else resolves again, keeping other
/// pins where possible. The file is not changed. Nothing if there is no file and none is needed.
pub(crate) fn locked(
    session: &Session,
    inputs: EnvironmentInputs<'_>,
    lock: &Path,
    lock_use: LockUse,
    named: bool,
) -> Result<Option<Resolution>> {
    let links = session.packages.indexes.folders(inputs.directory);
    let name = session.relative(lock);
    let Some(found) = LockFile::load(lock, session.lock_places(&links))? else {
        return match (lock_use, named) {
            (LockUse::Required, _) => Err(Refusal::NoLock { lock: name }.into()),
            (_, true) => Err(LockError::Missing { path: lock.to_owned() }.into()),
            _ => Ok(None),
        };
    };
    let now = recorded_inputs(session, inputs, lock)?;
    let fit = found.fit(&now, &inputs.selection.interpreter, &inputs.locked_base());
    if fit.is_good() {
        note_differences(session, &name, &fit);
        let packages = found.environment.conda.len() + found.environment.packages.len();
        session
            .progress
            .note(&format!("{name} is up to date; using its {}", counted(packages, "package")));
        let environment = found.environment;
        let settings = settings_for(session, inputs, &environment.target)?;
        return Ok(Some(Resolution { environment, notes: Vec::new(), settings }));
    }
    let differences = fit.differences;
    if lock_use == LockUse::Required {
        return Err(Refusal::StaleLock { lock: name, differences }.into());
    }
    session.progress.note(&format!(
        "{name} is out of date: {}; re-resolving (other pins kept where possible). Run `mlpack lock` to update it",
        differences.join("; ")
    ));
    resolve(session, inputs, Some(&found.environment)).map(Some)
}
