//! Downloading: the file or folder of a registered model, as it was registered.

use std::fs;
use std::path::{Path, PathBuf};

use mlpack_models::{RegisteredModel, Selector, image_of};
use mlpack_oci::pending::{PendingFolder, replace};
use mlpack_oci::rootfs::unpack;
use mlpack_project::project::Project;

use super::open;
use crate::{Argument, Error, Result, Session};

/// Writes a model into a folder and returns its path there. It appears complete or not at all.
///
/// # Errors
/// If something of its name exists and `overwrite` is not set, the layer is damaged, or the folder cannot be written.
pub fn download(
    session: &Session,
    model: &RegisteredModel,
    folder: &Path,
    overwrite: bool,
) -> Result<PathBuf> {
    let folder = session.cwd.join(folder);
    let target = folder.join(&model.record.entry);
    let exists = target.symlink_metadata().is_ok();
    if exists && !overwrite {
        return Err(Argument::Model {
            message: format!("{} exists", session.relative(&target)),
            hint: "pass `--overwrite` to replace it".to_owned(),
        }
        .into());
    }
    let io = |action, path: &Path| Error::io(action, session.relative(path));
    fs::create_dir_all(&folder).map_err(io("create", &folder))?;
    let downloads = folder.join(".mlpack-download");
    PendingFolder::sweep(&downloads);
    let temporary = PendingFolder::new_in(&downloads).map_err(io("write to", &folder))?;
    let root = temporary.path().join("root");
    fs::create_dir(&root).map_err(io("create", &root))?;
    let title = format!("Downloading {}", model.record.id());
    let meter = session.progress.begin(&title, Some(model.layer.descriptor.size()));
    unpack(&image_of(model)?, &root, &*meter)?;
    meter.finish("downloaded");
    let source = root.join(model.record.folder()).join(&model.record.entry);
    replace(&source, &target).map_err(io("write", &target))?;
    drop(temporary);
    let _ = fs::remove_dir(downloads);
    Ok(target)
}

/// Writes the registered models of a project into a folder of this machine, for what runs without an image.
///
/// # Errors
/// As [`download`].
pub(crate) fn materialize(session: &Session, project: &mut Project, folder: &Path) -> Result<()> {
    for model in project.models.iter_mut().filter(|model| model.stored.is_some()) {
        let found = open(session)?.find(&model.name, &Selector::Version(model.version))?;
        let parent = folder.join(model.folder());
        model.path = download(session, &found, &parent, true)?;
        for file in &mut model.files {
            file.host = parent.join(&file.path);
        }
        model.stored = None;
    }
    Ok(())
}
