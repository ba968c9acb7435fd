//! Where new layers are written before they are where they shall go.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use mlpack_oci::BlobStore;
use mlpack_oci::layout::Layout;
use tempfile::TempDir;

use crate::failure::{Failure, Result};

/// A store for new layers.
pub(crate) struct Stage {
    pub(crate) store: BlobStore,
    /// Goes with the command; the lock tells that the command lives.
    _folder: Option<(TempDir, File)>,
}

impl Stage {
    /// The output itself, if it is a layout.
    pub(crate) fn in_layout(dir: &Path) -> Result<Self> {
        Ok(Self { store: Layout::create(dir)?.blobs()?, _folder: None })
    }

    /// A folder below `parent` that goes when the command ends. What killed commands left there
    /// is removed first.
    pub(crate) fn temporary(parent: &Path) -> Result<Self> {
        fs::create_dir_all(parent).map_err(Failure::io("create", parent.display()))?;
        sweep(parent);
        let folder =
            tempfile::tempdir_in(parent).map_err(Failure::io("write to", parent.display()))?;
        let lock = lock_of(folder.path()).map_err(Failure::io("lock", parent.display()))?;
        Ok(Self {
            store: BlobStore::open(folder.path().join("blobs"))?,
            _folder: Some((folder, lock)),
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
        let free = File::open(entry.path().join("lock")).is_ok_and(|lock| lock.try_lock().is_ok());
        if free {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
