//! A workspace on disk: an OCI image layout whose index names manifests `NAME:TAG`, and a file that marks it.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs::{self, File, TryLockError};
use std::path::Path;
use std::sync::Arc;

use mlpack_oci::layout::{Layout, name_of};
use mlpack_oci::pending::write_new;
use mlpack_oci::spec::{ANNOTATION_REF_NAME, Descriptor};
use mlpack_oci::{Artifact, BlobStore, Blobs, Digest, Progress, read_small};
use serde_json::{Value, json};

use crate::document::FORMAT;
use crate::registered::{Cleaned, WorkspaceInfo};
use crate::store::Store;
use crate::{Error, Result};

/// The file that makes a layout a workspace.
pub const WORKSPACE_FILE: &str = "workspace.json";

/// The largest manifest that is read to find out what it refers to, in bytes.
const MAX_MANIFEST: u64 = mlpack_oci::MAX_MANIFEST_SIZE;

pub(crate) struct LayoutStore {
    layout: Layout,
    blobs: BlobStore,
    /// How the folder was written.
    place: String,
}

/// Keeps the blobs of a workspace from being cleaned while others are written: until the file is dropped. `None` if the
/// folder is no workspace.
///
/// # Errors
/// The system's.
pub fn hold(dir: &Path) -> Result<Option<File>> {
    let path = dir.join(WORKSPACE_FILE);
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::io("read", path.display())(error)),
    };
    file.lock_shared().map_err(Error::io("lock", path.display()))?;
    Ok(Some(file))
}

impl LayoutStore {
    pub(crate) fn create(dir: &Path, place: String, info: &WorkspaceInfo) -> Result<Self> {
        let layout = Layout::create(dir)?;
        let path = dir.join(WORKSPACE_FILE);
        if !path.exists() {
            let mut document = json!(info);
            document["format"] = json!(FORMAT);
            let text = format!("{document:#}\n");
            write_new(&path, text.as_bytes()).map_err(Error::io("write", path.display()))?;
        }
        let blobs = layout.blobs()?.durable();
        Ok(Self { layout, blobs, place })
    }

    pub(crate) fn open(dir: &Path, place: String) -> Result<Self> {
        let layout = Layout::open(dir)?;
        let blobs = layout.blobs()?.durable();
        Ok(Self { layout, blobs, place })
    }

    pub(crate) fn info(dir: &Path, place: &str) -> Result<WorkspaceInfo> {
        let path = dir.join(WORKSPACE_FILE);
        let text = fs::read_to_string(&path).map_err(Error::io("read", path.display()))?;
        let bad = |reason: String| Error::NotAModel { place: path.display().to_string(), reason };
        let document: Value =
            serde_json::from_str(&text).map_err(|error| bad(error.to_string()))?;
        let found = document["format"].as_u64().and_then(|format| u32::try_from(format).ok());
        match found {
            Some(found) if found > FORMAT => {
                Err(Error::NewerFormat { place: place.to_owned(), found, supported: FORMAT })
            }
            Some(_) => serde_json::from_value(document).map_err(|error| bad(error.to_string())),
            None => Err(bad("it has no `format`".to_owned())),
        }
    }

    fn find(manifests: &[Value], name: &str, tag: &str) -> Option<Descriptor> {
        let wanted = format!("{name}:{tag}");
        let found = manifests.iter().find(|entry| name_of(entry) == Some(&wanted))?;
        serde_json::from_value(found.clone()).ok()
    }

    /// Removes claims, and blobs that nothing refers to.
    pub(crate) fn clean(&self, is_claim: &dyn Fn(&Artifact) -> bool) -> Result<Cleaned> {
        let path = self.layout.dir().join(WORKSPACE_FILE);
        let marker = File::open(&path).map_err(Error::io("read", path.display()))?;
        match marker.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Error::InUse { workspace: self.place.clone() });
            }
            Err(TryLockError::Error(error)) => {
                return Err(Error::io("lock", path.display())(error));
            }
        }
        let mut cleaned = Cleaned::default();
        let referenced = self.layout.edit(|manifests| {
            manifests.retain(|entry| {
                let descriptor = serde_json::from_value::<Descriptor>(entry.clone());
                let artifact = descriptor.ok().and_then(|descriptor| self.read(&descriptor).ok());
                let claim = artifact.is_some_and(|artifact| is_claim(&artifact));
                cleaned.claims += usize::from(claim);
                !claim
            });
            let mut referenced = HashSet::new();
            for entry in manifests.iter() {
                self.follow(entry, &mut referenced)?;
            }
            Ok::<_, Error>(referenced)
        })?;
        let dir = self.layout.dir().join("blobs/sha256");
        for entry in fs::read_dir(&dir).map_err(Error::io("read", dir.display()))?.flatten() {
            let known = entry.file_name().to_str().and_then(|hex| Digest::from_hex(hex).ok());
            if known.is_some_and(|digest| !referenced.contains(&digest)) {
                cleaned.blobs += 1;
                cleaned.bytes += entry.metadata().map_or(0, |meta| meta.len());
                let path = entry.path();
                fs::remove_file(&path).map_err(Error::io("remove", path.display()))?;
            }
        }
        Ok(cleaned)
    }

    /// Returns the images with a blob, as they are named; models and the images that go with them are left out.
    pub(crate) fn images_with(&self, blob: Digest, suffix: &str) -> Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in self.layout.manifests()? {
            let name = name_of(&entry).unwrap_or_default();
            if entry["artifactType"].is_string() || name.ends_with(suffix) {
                continue;
            }
            let mut referenced = HashSet::new();
            self.follow(&entry, &mut referenced)?;
            if referenced.contains(&blob) {
                let name = if name.is_empty() { "latest" } else { name };
                names.push(format!("oci:{}:{name}", self.place));
            }
        }
        names.sort();
        Ok(names)
    }

    /// Collects the digests that a descriptor leads to. One that cannot be read is an error: its blobs would be lost.
    fn follow(&self, entry: &Value, referenced: &mut HashSet<Digest>) -> Result<()> {
        let bad = |error: serde_json::Error| Error::NotAModel {
            place: self.place.clone(),
            reason: error.to_string(),
        };
        let descriptor: Descriptor = serde_json::from_value(entry.clone()).map_err(bad)?;
        let Ok(digest) = Digest::try_from(descriptor.digest()) else { return Ok(()) };
        if !referenced.insert(digest) || descriptor.size() > MAX_MANIFEST {
            return Ok(());
        }
        let kind = descriptor.media_type().to_string();
        if !(kind.contains("manifest") || kind.contains("index")) {
            return Ok(());
        }
        let bytes = read_small(&self.blobs, &descriptor, "manifest", &self.place, MAX_MANIFEST)?;
        let document: Value = serde_json::from_slice(&bytes).map_err(bad)?;
        let children = [&document["layers"], &document["manifests"]];
        let children = children.into_iter().filter_map(Value::as_array).flatten();
        for child in children.chain(document.get("config")) {
            self.follow(child, referenced)?;
        }
        Ok(())
    }

    fn read(&self, descriptor: &Descriptor) -> Result<Artifact> {
        let blobs: Arc<dyn Blobs> = Arc::new(self.blobs.clone());
        Ok(Artifact::read(&self.place, descriptor, blobs)?)
    }
}

impl Store for LayoutStore {
    fn place(&self) -> String {
        self.place.clone()
    }

    fn names(&self) -> Result<Vec<String>> {
        let manifests = self.layout.manifests()?;
        let ours = manifests.iter().filter(|entry| entry["artifactType"].is_string());
        let names: BTreeSet<&str> =
            ours.filter_map(name_of).filter_map(|name| Some(name.split_once(':')?.0)).collect();
        Ok(names.into_iter().map(str::to_owned).collect())
    }

    fn tags(&self, name: &str) -> Result<Vec<String>> {
        let manifests = self.layout.manifests()?;
        let tags = manifests.iter().filter_map(name_of).filter_map(|entry| {
            let (of, tag) = entry.split_once(':')?;
            (of == name).then(|| tag.to_owned())
        });
        Ok(tags.collect())
    }

    fn get(&self, name: &str, tag: &str) -> Result<Option<Artifact>> {
        let found = Self::find(&self.layout.manifests()?, name, tag);
        found.map(|descriptor| self.read(&descriptor)).transpose()
    }

    fn get_all(
        &self,
        name: &str,
        wanted: &dyn Fn(&str) -> bool,
    ) -> Result<BTreeMap<String, Artifact>> {
        let mut found = BTreeMap::new();
        for entry in self.layout.manifests()? {
            let tag = name_of(&entry).and_then(|full| full.strip_prefix(name)?.strip_prefix(':'));
            let Some(tag) = tag.filter(|tag| wanted(tag)).map(str::to_owned) else { continue };
            if let Ok(descriptor) = serde_json::from_value(entry) {
                found.insert(tag, self.read(&descriptor)?);
            }
        }
        Ok(found)
    }

    fn swap(
        &self,
        name: &str,
        tag: &str,
        expected: Option<Digest>,
        artifact: &Artifact,
        _: &dyn Progress,
    ) -> Result<bool> {
        self.blobs.put(&artifact.config_bytes)?;
        self.blobs.put(&artifact.manifest_bytes)?;
        let full = format!("{name}:{tag}");
        let mut entry = json!(artifact.descriptor);
        entry["annotations"] = json!({ ANNOTATION_REF_NAME: full });
        if let Some(kind) = artifact.manifest.artifact_type() {
            entry["artifactType"] = json!(kind.to_string());
        }
        self.layout.edit(|manifests| {
            let found = Self::find(manifests, name, tag);
            let found = found.and_then(|found| Digest::try_from(found.digest()).ok());
            if found != expected {
                return Ok(false);
            }
            manifests.retain(|known| name_of(known) != Some(&full));
            manifests.push(entry);
            Ok(true)
        })
    }

    fn remove(&self, name: &str, tag: &str, digest: Digest) -> Result<bool> {
        let full = format!("{name}:{tag}");
        self.layout.edit(|manifests| {
            manifests.retain(|known| {
                name_of(known) != Some(&full)
                    || known["digest"].as_str() != Some(digest.to_string().as_str())
            });
            Ok(true)
        })
    }

    fn stage(&self) -> &BlobStore {
        &self.blobs
    }
}
