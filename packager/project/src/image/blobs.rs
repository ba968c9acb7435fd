//! The blobs of a new image, each where it is.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use mlpack_oci::spec::Descriptor;
use mlpack_oci::{BlobReader, BlobStore, Blobs, Digest, Origin};

use super::layers::UnwrittenModels;
use crate::Error;

/// Opens new blobs from stage and cache, and the base's from where the base is.
pub(super) struct AssembledBlobs {
    pub(super) unwritten: UnwrittenModels,
    /// Layers of registered models, each from where it is.
    pub(super) stored: HashMap<Digest, Arc<dyn Blobs>>,
    /// Digests of the new blobs.
    pub(super) new: HashSet<Digest>,
    pub(super) stage: BlobStore,
    pub(super) cache: BlobStore,
    pub(super) base: Arc<dyn Blobs>,
}

impl AssembledBlobs {
    /// Returns where a blob is that is not the build's own: with the model's workspace, or with the base.
    fn other(&self, digest: Option<&Digest>) -> &dyn Blobs {
        let stored = digest.and_then(|digest| self.stored.get(digest));
        &**stored.unwrap_or(&self.base)
    }

    fn own(&self, digest: &Digest) -> Option<&BlobStore> {
        if self.stored.contains_key(digest) || self.unwritten.contains(digest) {
            return None;
        }
        let of = |store: &&BlobStore| store.size(digest).is_some();
        // Blobs of the cache were verified; the stage may be a layout with earlier blobs.
        self.new.contains(digest).then(|| [&self.cache, &self.stage].into_iter().find(of))?
    }
}

impl Blobs for AssembledBlobs {
    fn open_at(&self, descriptor: &Descriptor, offset: u64) -> mlpack_oci::Result<BlobReader> {
        let digest = Digest::try_from(descriptor.digest()).ok();
        if let Some(digest) = &digest {
            self.unwritten.write(digest, &self.stage).map_err(|error| match error {
                Error::Image(error) => error,
                other => mlpack_oci::Error::Pack {
                    path: descriptor.digest().to_string(),
                    source: std::io::Error::other(other),
                },
            })?;
        }
        match digest.and_then(|digest| self.own(&digest)) {
            Some(store) => store.open_at(descriptor, offset),
            None => self.other(digest.as_ref()).open_at(descriptor, offset),
        }
    }

    fn file(&self, digest: &Digest) -> Option<PathBuf> {
        self.own(digest)
            .map_or_else(|| self.other(Some(digest)).file(digest), |store| store.file(digest))
    }

    fn is_trusted(&self, digest: &Digest) -> bool {
        // This command wrote it, or verified it in the cache.
        if self.own(digest).is_some() {
            return true;
        }
        self.other(Some(digest)).is_trusted(digest)
    }

    fn may_be_linked(&self, digest: &Digest) -> bool {
        self.own(digest).is_none() && self.other(Some(digest)).may_be_linked(digest)
    }

    fn origin(&self, digest: &Digest) -> Option<Origin> {
        if self.new.contains(digest) && !self.stored.contains_key(digest) {
            return None;
        }
        self.other(Some(digest)).origin(digest)
    }
}
