//! Where new layers are written before they are where they shall go.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use mlpack_oci::BlobStore;
use mlpack_oci::layout::Layout;
use tempfile::TempDir;

use mlpack_oci::Location;

use crate::{Error, Result, Session};

/// A store for new layers.
pub(crate) struct Stage {
    pub(crate) store: BlobStore,
    /// Goes with the command; the lock tells that the command lives.
    _folder: Option<(TempDir, File)>,
    /// A layout that this command made, to be removed if the command fails.
    made: Option<PathBuf>,
}

impl Drop for Stage {
    fn drop(&mut self) {
        // Another command may have put an image there meanwhile.
        if let Some(dir) = &self.made
            && Layout::open(dir).is_ok_and(|layout| !layout.holds_images())
        {
            let _ = fs::remove_dir_all(dir);
        }
    }
}

impl Stage {
    /// Makes a store for the image at `destination`: in the destination itself if it is a layout.
    pub(crate) fn of(session: &Session, destination: &Location) -> Result<Self> {
        match destination {
            Location::Layout { dir, .. } => Self::in_layout(&session.cwd.join(dir)),
            _ => Self::temporary(&session.staging()),
        }
    }

    fn in_layout(dir: &Path) -> Result<Self> {
        let made = (!dir.exists()).then(|| dir.to_owned());
        let mut stage = Self { store: BlobStore::read_only(dir), _folder: None, made };
        stage.store = Layout::create(dir)?.blobs()?;
        Ok(stage)
    }

    /// Keeps what was written: the image is complete.
    pub(crate) fn keep(&mut self) {
        self.made = None;
    }

    /// A folder below `parent` that goes when the command ends. What killed commands left there
    /// is removed first.
    pub(crate) fn temporary(parent: &Path) -> Result<Self> {
        fs::create_dir_all(parent)
            .map_err(|source| Error::Cache { path: parent.to_owned(), source })?;
        sweep(parent);
        let (folder, lock) = loop {
            let folder =
                tempfile::tempdir_in(parent).map_err(Error::io("write to", parent.display()))?;
            // A sweep that comes before the lock takes the folder away; then another is made.
            match lock_of(folder.path()) {
                Ok(lock) if folder.path().join("lock").exists() => break (folder, lock),
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(Error::io("lock", parent.display())(error));
                }
                _ => {}
            }
        };
        Ok(Self {
            store: BlobStore::open(folder.path().join("blobs"))?,
            _folder: Some((folder, lock)),
            made: None,
        })
    }
}

fn lock_of(folder: &Path) -> io::Result<File> {
    let lock = File::create(folder.join("lock"))?;
    lock.lock()?;
    Ok(lock)
}

/// Removes folders whose command was killed: their lock can be had.
fn sweep(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        // One without a lock was killed before it had one, or is about to make it and tries again.
        let free = match File::open(entry.path().join("lock")) {
            Ok(lock) => lock.try_lock().is_ok(),
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        };
        if free {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
