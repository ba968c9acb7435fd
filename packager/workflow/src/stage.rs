//! Where new layers are written before the image is complete.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use mlpack_oci::layout::Layout;
use mlpack_oci::pending::PendingFolder;
use mlpack_oci::{BlobStore, Location};

use crate::{Error, Result, Session};

/// A store for new layers.
pub(crate) struct Stage {
    pub(crate) store: BlobStore,
    /// Removed when the run ends.
    _folder: Option<PendingFolder>,
    /// Keeps the blobs of a workspace that the layout is.
    _in_use: Option<File>,
    /// A layout that this run made, to be removed if the run fails.
    made: Option<PathBuf>,
}

impl Drop for Stage {
    fn drop(&mut self) {
        // Another run may have put an image there meanwhile.
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
        let mut stage =
            Self { store: BlobStore::read_only(dir), _folder: None, _in_use: None, made };
        stage._in_use = mlpack_models::hold(dir)?;
        stage.store = Layout::create(dir)?.blobs()?;
        Ok(stage)
    }

    /// Keeps what was written: the image is complete.
    pub(crate) fn keep(&mut self) {
        self.made = None;
    }

    /// Makes a temporary store in `parent`, after removing what killed runs left there.
    pub(crate) fn temporary(parent: &Path) -> Result<Self> {
        fs::create_dir_all(parent)
            .map_err(|source| Error::Cache { path: parent.to_owned(), source })?;
        PendingFolder::sweep(parent);
        let folder =
            PendingFolder::new_in(parent).map_err(Error::io("write to", parent.display()))?;
        Ok(Self {
            store: BlobStore::open(folder.path().join("blobs"))?,
            _folder: Some(folder),
            _in_use: None,
            made: None,
        })
    }
}
