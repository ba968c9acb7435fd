//! Layers that were written before: from what decides a layer to the blob that lies in the store.

use std::fs::{self, File};
use std::io;
use std::path::PathBuf;

use mlpack_oci::layer::WrittenLayer;
use mlpack_oci::pending::{sweep, write_atomically};
use mlpack_oci::{BlobStore, DiffId, Digest, HashingReader, spec};
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// A folder of records beside a store of blobs.
#[derive(Debug, Clone)]
pub struct LayerCache {
    dir: PathBuf,
    store: BlobStore,
}

#[derive(Serialize, Deserialize)]
struct Known {
    descriptor: spec::Descriptor,
    digest: Digest,
    diff_id: DiffId,
}

impl LayerCache {
    /// Opens the cache in `dir`, creating it.
    ///
    /// # Errors
    /// The system's.
    pub fn open(dir: PathBuf) -> Result<Self> {
        let store = BlobStore::open(dir.join("blobs"))?;
        sweep(&dir);
        Ok(Self { dir, store })
    }

    /// The blobs of cached layers.
    pub fn store(&self) -> &BlobStore {
        &self.store
    }

    /// The layer of a key, if record and blob are there and the blob has its digest.
    pub fn get(&self, key: &Digest) -> Option<WrittenLayer> {
        let text = fs::read(self.record(key)).ok()?;
        let known: Known = serde_json::from_slice(&text).ok()?;
        // A blob may be older than a crash or a failing disk; one that is not what it was is made
        // again.
        let mut blob = HashingReader::new(File::open(self.store.path(&known.digest)).ok()?);
        io::copy(&mut blob, &mut io::sink()).ok()?;
        if blob.digest() != known.digest {
            return None;
        }
        let Known { descriptor, digest, diff_id } = known;
        Some(WrittenLayer { descriptor, digest, diff_id })
    }

    /// Remembers a layer whose blob is in [`LayerCache::store`].
    ///
    /// # Errors
    /// The system's.
    pub fn put(&self, key: &Digest, layer: &WrittenLayer) -> Result<()> {
        let known = Known {
            descriptor: layer.descriptor.clone(),
            digest: layer.digest,
            diff_id: layer.diff_id,
        };
        let path = self.record(key);
        let text =
            serde_json::to_vec(&known).map_err(|error| Error::io("write", &path)(error.into()))?;
        write_atomically(&path, &text).map_err(Error::io("write", &path))
    }

    fn record(&self, key: &Digest) -> PathBuf {
        self.dir.join(format!("{}.json", key.hex()))
    }
}
