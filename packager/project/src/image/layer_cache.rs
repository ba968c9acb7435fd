//! Layers that were written before: from what decides a layer to the blob that lies in the store,
//! and from what decides a package's files to the place in a blob where they lie compressed.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use mlpack_oci::layer::{StoredPart, WrittenLayer};
use mlpack_oci::pending::{sweep, write_atomically};
use mlpack_oci::{BlobStore, DiffId, Digest, HashingReader, spec};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::model_layers::{ModelKey, nanoseconds};
use crate::{Error, Result};

/// Folders of records beside a store of blobs.
#[derive(Debug, Clone)]
pub struct LayerCache {
    dir: PathBuf,
    store: BlobStore,
}

/// A layer as it is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct KnownLayer {
    pub(super) title: String,
    descriptor: spec::Descriptor,
    digest: Digest,
    diff_id: DiffId,
}

impl KnownLayer {
    pub(super) fn new(title: String, layer: &WrittenLayer) -> Self {
        Self {
            title,
            descriptor: layer.descriptor.clone(),
            digest: layer.digest,
            diff_id: layer.diff_id,
        }
    }

    pub(super) fn layer(&self) -> WrittenLayer {
        let Self { descriptor, digest, diff_id, .. } = self.clone();
        WrittenLayer { descriptor, digest, diff_id }
    }
}

/// What the records are of; the name of their folder.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    /// All layers of an environment: a list of [`KnownLayer`].
    Environment,
    /// One layer of an environment: a [`KnownLayer`].
    Layer,
    /// One package in a layer: a [`StoredPart`].
    Part,
    /// The layer of a model, which is not kept: a [`KnownLayer`].
    Model,
}

impl Kind {
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

    /// The blobs of cached layers.
    pub fn store(&self) -> &BlobStore {
        &self.store
    }

    /// The layers of an environment, if all of them are there and sound.
    pub(super) fn environment(&self, key: &Digest) -> Option<Vec<KnownLayer>> {
        let layers: Vec<KnownLayer> = self.read(Kind::Environment, key)?;
        layers.iter().all(|layer| self.is_sound(&layer.digest)).then_some(layers)
    }

    /// A layer, if it is there and sound.
    pub(super) fn layer(&self, key: &Digest) -> Option<KnownLayer> {
        let layer: KnownLayer = self.read(Kind::Layer, key)?;
        self.is_sound(&layer.digest).then_some(layer)
    }

    /// Where a package's files lie compressed, if the layer they are in is there and sound.
    pub(super) fn part(&self, key: &Digest) -> Option<StoredPart> {
        let part: StoredPart = self.read(Kind::Part, key)?;
        self.is_sound(&part.blob).then_some(part)
    }

    /// What is known of a model's layer.
    pub(super) fn model(&self, key: &ModelKey) -> Option<WrittenLayer> {
        let meta = self.record(Kind::Model, &key.key).metadata().ok()?;
        if !key.is_settled(nanoseconds(meta.mtime(), meta.mtime_nsec())) {
            return None;
        }
        self.read::<KnownLayer>(Kind::Model, &key.key).map(|known| known.layer())
    }

    /// Remembers something whose blobs are in [`LayerCache::store`].
    pub(super) fn put(&self, kind: Kind, key: &Digest, value: &impl Serialize) -> Result<()> {
        let path = self.record(kind, key);
        let text =
            serde_json::to_vec(value).map_err(|error| Error::io("write", &path)(error.into()))?;
        write_atomically(&path, &text).map_err(Error::io("write", &path))
    }

    /// Remembers how a blob that was just hashed looks from outside.
    pub(super) fn stamp(&self, digest: &Digest) -> Result<()> {
        let path = self.dir.join("stamps").join(digest.hex());
        let blob = self.store.path(digest);
        let stamp = Stamp::of(&blob).map_err(Error::io("read", &blob))?;
        write_atomically(&path, stamp.0.as_bytes()).map_err(Error::io("write", &path))
    }

    /// Whether a blob is what it was. A file that nobody wrote to since it was hashed is; any other
    /// is hashed again, since it may be older than a crash or a failing disk.
    fn is_sound(&self, digest: &Digest) -> bool {
        let path = self.store.path(digest);
        let Ok(now) = Stamp::of(&path) else { return false };
        let known = fs::read_to_string(self.dir.join("stamps").join(digest.hex()));
        if known.is_ok_and(|known| known == now.0) {
            return true;
        }
        let hashed = File::open(&path).and_then(|file| {
            let mut blob = HashingReader::new(file);
            io::copy(&mut blob, &mut io::sink()).map(|_| blob.digest())
        });
        let sound = hashed.is_ok_and(|hashed| hashed == *digest);
        if sound {
            // A stamp that cannot be written costs the next run another look.
            let _ = self.stamp(digest);
        }
        sound
    }

    fn read<T: DeserializeOwned>(&self, kind: Kind, key: &Digest) -> Option<T> {
        serde_json::from_slice(&fs::read(self.record(kind, key)).ok()?).ok()
    }

    fn record(&self, kind: Kind, key: &Digest) -> PathBuf {
        self.dir.join(kind.folder()).join(format!("{}.json", key.hex()))
    }
}

/// What changes when somebody writes to a file: its place, size and times, to the nanosecond. The
/// time of change cannot be set from outside.
pub(super) struct Stamp(pub(super) String);

impl Stamp {
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let meta = path.metadata()?;
        Ok(Self(format!(
            "{} {} {} {}.{:09} {}.{:09}",
            meta.dev(),
            meta.ino(),
            meta.size(),
            meta.mtime(),
            meta.mtime_nsec(),
            meta.ctime(),
            meta.ctime_nsec()
        )))
    }
}
