//! The packages of a project, a lock file or an image.

use std::path::{Path, PathBuf};

use mlpack_lock::{Error as LockError, LOCK_NAME, LockFile};
use mlpack_oci::Location;
use mlpack_oci::Platform;
use mlpack_oci::rootfs::RootFs;
use mlpack_project::image::Contents;
use mlpack_project::project::{CondaSource, InferenceConfig, Project, ProjectOptions, Runtime};

use crate::{Argument, Error, Result, Session};

/// Lists the packages at `source`: a file or directory if there is one, else an image. With
/// `layers`, those of the base image are included.
///
/// # Errors
/// If nothing is found there, or it cannot be read.
pub fn list(
    session: &Session,
    source: &str,
    platform: &Platform,
    layers: bool,
) -> Result<Contents> {
    let location = session.locate(source);
    let is_image = matches!(
        location,
        Ok(Location::Layout { .. } | Location::OciArchive { .. } | Location::DockerArchive { .. })
    );
    // Components leave out `.`, which messages need not show.
    let path: PathBuf = session.cwd.join(source).components().collect();
    if path.exists() && !is_image {
        let lock = lock_of(session, &path)?;
        let found = LockFile::load(&lock, session.lock_places(&[]))?;
        let found = found.ok_or(LockError::Missing { path: lock })?;
        return Ok(Contents::of_lock(&found));
    }
    let location = location.map_err(|error| match error {
        Error::Argument(Argument::Location(error)) => Argument::Source(error).into(),
        other => other,
    })?;
    let image = session.open(&location, platform, None)?;
    if !layers && let Some(contents) = Contents::of_record(&image) {
        return Ok(contents);
    }
    Ok(Contents::of_layers(&image, &RootFs::merge(&session.indexes(&image)?)))
}

/// Returns the lock file that belongs to a path: itself, or the one next to the conda file.
fn lock_of(session: &Session, path: &Path) -> Result<PathBuf> {
    if path.is_dir() {
        return Ok(path.join(LOCK_NAME));
    }
    let extension = path.extension().unwrap_or_default().to_string_lossy().into_owned();
    if !matches!(&*extension, "json" | "yml" | "yaml") {
        return Ok(path.to_owned());
    }
    let beside = |path: &Path| path.with_file_name(LOCK_NAME);
    // An inference configuration names its conda file; what cannot be read as one is a conda file.
    let Ok(config) = InferenceConfig::load(path) else { return Ok(beside(path)) };
    let options = ProjectOptions {
        entry_script: Some("score.py".to_owned()),
        runtime: Some(Runtime::Python),
        ..ProjectOptions::default()
    };
    let project = Project::resolve(Some(&config), &options, &[], &session.cwd)?;
    Ok(match &project.conda {
        Some(CondaSource::File(conda)) => beside(conda),
        _ => beside(path),
    })
}
