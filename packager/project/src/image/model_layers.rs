//! Layers of models that nobody wrote to since they were hashed: what they are is known without
//! reading them, and they are only written where somebody asks for their bytes.

use std::collections::{HashMap, HashSet};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::sync::{Mutex, PoisonError};

use mlpack_oci::layer::{
    Compression, Content, LayerOptions, Node, Tree, WrittenLayer, write_layer,
};
use mlpack_oci::{BlobStore, Digest, FORMAT_VERSION, Silent};

use super::layer_cache::Stamp;
use crate::{Error, Result};

/// What decides a model's layer, by the files' looks from outside.
#[derive(Debug, Clone, Copy)]
pub(super) struct ModelKey {
    pub(super) key: Digest,
    /// When the last of the files was changed, in nanoseconds since 1970.
    pub(super) changed: i128,
}

impl ModelKey {
    /// Of a tree that holds files of this machine.
    pub(super) fn of(
        tree: &Tree,
        compression: Compression,
        policy: LayerOptions,
    ) -> io::Result<Self> {
        let mut text = format!("{FORMAT_VERSION} {compression:?} {}", policy.mtime);
        let mut changed = 0;
        for (path, node) in tree.iter() {
            match node {
                Node::File { content: Content::File(file), executable, .. } => {
                    let stamp = Stamp::of(file)?;
                    let meta = file.metadata()?;
                    changed = changed.max(nanoseconds(meta.ctime(), meta.ctime_nsec()));
                    text.push_str(&format!("\n{path} {executable} {}", stamp.0));
                }
                node => text.push_str(&format!("\n{path} {node:?}")),
            }
        }
        Ok(Self { key: Digest::of(text.as_bytes()), changed })
    }

    /// Whether what was remembered at a moment counts: a file that was written to in the same
    /// moment may have been written to again without a trace, so some time must lie between, as
    /// in the index of git. The coarsest clock of a file system ticks every two seconds.
    pub(super) fn is_settled(self, remembered: i128) -> bool {
        remembered - self.changed > 2_000_000_000
    }
}

pub(super) fn nanoseconds(seconds: i64, nanoseconds: i64) -> i128 {
    i128::from(seconds) * 1_000_000_000 + i128::from(nanoseconds)
}

/// Layers that are known and not written.
pub(super) struct Unwritten {
    layers: HashMap<Digest, (Tree, Compression)>,
    policy: LayerOptions,
    /// Those that were written after all, one at a time.
    written: Mutex<HashSet<Digest>>,
}

impl Unwritten {
    pub(super) fn new(policy: LayerOptions) -> Self {
        Self { layers: HashMap::new(), policy, written: Mutex::default() }
    }

    pub(super) fn add(&mut self, layer: &WrittenLayer, tree: Tree, compression: Compression) {
        self.layers.insert(layer.digest, (tree, compression));
    }

    /// Whether a layer is one of them and still not written.
    pub(super) fn holds(&self, digest: &Digest) -> bool {
        self.layers.contains_key(digest)
            && !self.written.lock().unwrap_or_else(PoisonError::into_inner).contains(digest)
    }

    /// Has a layer in `store` if it is one of them. What lies there from before is not looked at.
    ///
    /// # Errors
    /// If the model is not what it was, or of writing.
    pub(super) fn write(&self, digest: &Digest, store: &BlobStore) -> Result<()> {
        let Some((tree, compression)) = self.layers.get(digest) else { return Ok(()) };
        let mut done = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        if done.contains(digest) {
            return Ok(());
        }
        let layer = write_layer(tree, *compression, self.policy, store, &Silent)?;
        if layer.digest == *digest {
            done.insert(*digest);
            return Ok(());
        }
        let path = tree.iter().map(|(path, _)| path).last().unwrap_or_default();
        Err(Error::ModelChanged { path: path.to_owned() })
    }
}
