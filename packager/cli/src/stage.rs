//! Where new layers are written before they are where they shall go.

use std::fs;
use std::path::{Path, PathBuf};

use mlpack_oci::BlobStore;
use mlpack_oci::layout::Layout;
use mlpack_oci::pending::PendingFolder;

use crate::failure::{Failure, Result};

/// A store for new layers.
pub(crate) struct Stage {
    pub(crate) store: BlobStore,
    /// Removed when the command ends.
    _folder: Option<PendingFolder>,
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
    /// The output itself, if it is a layout.
    pub(crate) fn in_layout(dir: &Path) -> Result<Self> {
        let made = (!dir.exists()).then(|| dir.to_owned());
        let mut stage = Self { store: BlobStore::read_only(dir), _folder: None, made };
        stage.store = Layout::create(dir)?.blobs()?;
        Ok(stage)
    }

    /// The image is where it shall be: what was written stays.
    pub(crate) fn keep(mut self) {
        self.made = None;
    }

    /// A folder below `parent` that goes when the command ends. What killed commands left there
    /// is removed first.
    pub(crate) fn temporary(parent: &Path) -> Result<Self> {
        fs::create_dir_all(parent).map_err(|error| Failure::Other {
            message: format!("cannot write to the cache: {}: {error}", parent.display()),
            hint: Some("set MLPACK_CACHE_DIR to a folder that can be written to".to_owned()),
        })?;
        PendingFolder::sweep(parent);
        let folder =
            PendingFolder::new_in(parent).map_err(Failure::io("write to", parent.display()))?;
        Ok(Self {
            store: BlobStore::open(folder.path().join("blobs"))?,
            _folder: Some(folder),
            made: None,
        })
    }
}
