//! Layers of models that were not written to since they were hashed: their digests are known
//! without reading the models, and they are only written when their bytes are needed.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use mlpack_oci::layer::{Compression, LayerOptions, Tree, WrittenLayer, write_layer};
use mlpack_oci::{BlobStore, Digest, Silent};

use crate::{Error, Result};

/// Layers whose digests are known and that are not written.
pub(in crate::image) struct UnwrittenModels {
    layers: HashMap<Digest, (Tree, Compression)>,
    options: LayerOptions,
    /// Those that have been written since, one at a time.
    written: Mutex<HashSet<Digest>>,
}

impl UnwrittenModels {
    pub(in crate::image) fn new(options: LayerOptions) -> Self {
        Self { layers: HashMap::new(), options, written: Mutex::default() }
    }

    pub(in crate::image) fn add(
        &mut self,
        layer: &WrittenLayer,
        tree: Tree,
        compression: Compression,
    ) {
        self.layers.insert(layer.digest, (tree, compression));
    }

    /// Returns whether a layer is one of them and not written yet.
    pub(in crate::image) fn contains(&self, digest: &Digest) -> bool {
        self.layers.contains_key(digest)
            && !self.written.lock().unwrap_or_else(PoisonError::into_inner).contains(digest)
    }

    /// Writes a layer into `store` if it is one of them, whether or not the store has it already.
    ///
    /// # Errors
    /// [`Error::ModelChanged`] if the model has changed, or those of writing.
    pub(in crate::image) fn write(&self, digest: &Digest, store: &BlobStore) -> Result<()> {
        let Some((tree, compression)) = self.layers.get(digest) else { return Ok(()) };
        let mut done = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        if done.contains(digest) {
            return Ok(());
        }
        let layer = write_layer(tree, *compression, self.options, store, &Silent)?;
        if layer.digest == *digest {
            done.insert(*digest);
            return Ok(());
        }
        let path = tree.iter().map(|(path, _)| path).last().unwrap_or_default();
        Err(Error::ModelChanged { path: path.to_owned() })
    }
}
