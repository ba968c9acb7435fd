//! Layers that were written before: from the key of a layer to its blob in the store, and from the
//! key of a package's files to the place in a blob where they are compressed.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use mlpack_oci::layer::{StoredPart, WrittenLayer};
use mlpack_oci::pending::{sweep, write_atomically};
use mlpack_oci::{BlobStore, DiffId, Digest, HashingReader, spec};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::model_key::ModelKey;
use super::stamp::{Stamp, nanoseconds};
use crate::{Error, Result};

/// Folders of records beside a store of blobs.
#[derive(Debug, Clone)]
pub struct LayerCache {
    dir: PathBuf,
    store: BlobStore,
}

/// A layer as it is recorded.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::image) struct KnownLayer {
    pub(in crate::image) title: String,
    descriptor: spec::Descriptor,
    digest: Digest,
    diff_id: DiffId,
}

impl KnownLayer {
    pub(in crate::image) fn new(title: String, layer: &WrittenLayer) -> Self {
        Self {
            title,
            descriptor: layer.descriptor.clone(),
            digest: layer.digest,
            diff_id: layer.diff_id,
        }
    }

    pub(in crate::image) fn layer(&self) -> WrittenLayer {
        let Self { descriptor, digest, diff_id, .. } = self.clone();
        WrittenLayer { descriptor, digest, diff_id }
    }
}

/// The kinds of records, one folder each.
#[derive(Debug, Clone, Copy)]
pub(in crate::image) enum RecordKind {
    /// All layers of an environment: a list of [`KnownLayer`].
    Environment,
    /// One layer of an environment: a [`KnownLayer`].
    Layer,
    /// One package in a layer: a [`StoredPart`].
    Part,
    /// The layer of a model, whose blob is not cached: a [`KnownLayer`].
    Model,
}

impl RecordKind {
    fn folder(self) -> &'static str {
        match self {
            Self::Environment => "environments",
            Self::Layer => "layers",
            Self::Part => "parts",
            Self::Model => "models",
        }
    }
}

impl LayerCache {
    /// Opens the cache in `dir`, creating it.
    ///
    /// # Errors
    /// The system's.
    pub fn open(dir: PathBuf) -> Result<Self> {
        let store = BlobStore::open(dir.join("blobs"))?;
        for folder in ["environments", "layers", "models", "parts", "stamps"] {
            let folder = dir.join(folder);
            fs::create_dir_all(&folder).map_err(Error::io("create", &folder))?;
            sweep(&folder);
        }
        Ok(Self { dir, store })
    }

    /// Returns the blobs of cached layers.
    pub fn store(&self) -> &BlobStore {
        &self.store
    }

    /// Returns the layers of an environment, if all of them are cached and intact.
    pub(super) fn environment(&self, key: &Digest) -> Option<Vec<KnownLayer>> {
        let layers: Vec<KnownLayer> = self.read(RecordKind::Environment, key)?;
        layers.iter().all(|layer| self.is_intact(&layer.digest)).then_some(layers)
    }

    /// Returns a layer of packages, if it is cached and intact.
    pub(super) fn packages(&self, key: &Digest) -> Option<KnownLayer> {
        let layer: KnownLayer = self.read(RecordKind::Layer, key)?;
        self.is_intact(&layer.digest).then_some(layer)
    }

    /// Returns where a package's files are compressed, if the layer they are in is cached and
    /// intact.
    pub(super) fn part(&self, key: &Digest) -> Option<StoredPart> {
        let part: StoredPart = self.read(RecordKind::Part, key)?;
        self.is_intact(&part.blob).then_some(part)
    }

    /// Returns what is known of a model's layer.
    pub(in crate::image) fn model(&self, key: &ModelKey) -> Option<WrittenLayer> {
        let meta = self.record(RecordKind::Model, &key.digest).metadata().ok()?;
        if !key.is_settled(nanoseconds(meta.mtime(), meta.mtime_nsec())) {
            return None;
        }
        self.read::<KnownLayer>(RecordKind::Model, &key.digest).map(|known| known.layer())
    }

    /// Records something whose blobs are in [`LayerCache::store`].
    pub(in crate::image) fn put(
        &self,
        kind: RecordKind,
        key: &Digest,
        value: &impl Serialize,
    ) -> Result<()> {
        let path = self.record(kind, key);
        let text =
            serde_json::to_vec(value).map_err(|error| Error::io("write", &path)(error.into()))?;
        write_atomically(&path, &text).map_err(Error::io("write", &path))
    }

    /// Records the stamp of a blob that was just hashed.
    pub(super) fn stamp(&self, digest: &Digest) -> Result<()> {
        let path = self.dir.join("stamps").join(digest.hex());
        let blob = self.store.path(digest);
        let stamp = Stamp::of(&blob).map_err(Error::io("read", &blob))?;
        write_atomically(&path, stamp.to_string().as_bytes()).map_err(Error::io("write", &path))
    }

    /// Returns whether a blob is unchanged. A file that was not written to since it was hashed is;
    /// any other is hashed again, since it may be older than a crash or a failing disk.
    fn is_intact(&self, digest: &Digest) -> bool {
        let path = self.store.path(digest);
        let Ok(now) = Stamp::of(&path) else { return false };
        let known = fs::read_to_string(self.dir.join("stamps").join(digest.hex()));
        if known.is_ok_and(|known| known == now.to_string()) {
            return true;
        }
        let hashed = File::open(&path).and_then(|file| {
            let mut blob = HashingReader::new(file);
            io::copy(&mut blob, &mut io::sink()).map(|_| blob.digest())
        });
        let intact = hashed.is_ok_and(|hashed| hashed == *digest);
        if intact {
            // A stamp that cannot be written only costs the next run another hash.
            let _ = self.stamp(digest);
        }
        intact
    }

    fn read<T: DeserializeOwned>(&self, kind: RecordKind, key: &Digest) -> Option<T> {
        serde_json::from_slice(&fs::read(self.record(kind, key)).ok()?).ok()
    }

    fn record(&self, kind: RecordKind, key: &Digest) -> PathBuf {
        self.dir.join(kind.folder()).join(format!("{}.json", key.hex()))
    }
}
