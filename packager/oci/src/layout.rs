//! An OCI image layout: a directory with `oci-layout`, `index.json` and `blobs/sha256`
//! (image-spec image-layout.md).

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use oci_spec::image::{ANNOTATION_REF_NAME, Descriptor, ImageIndex, ImageIndexBuilder, MediaType};
use serde_json::Value;

use crate::pending::{is_pending, sweep, sync_file, sync_folder, write_durably, write_new};
use crate::store::read_limited;
use crate::{BlobStore, Blobs, Error, Image, PinnedReference, Platform, Progress, Result, sink};

const OCI_LAYOUT: &[u8] = br#"{"imageLayoutVersion":"1.0.0"}"#;

/// The largest index that is read, in bytes: one of a workspace has an entry per version of a model, below 1 KiB.
const MAX_INDEX_SIZE: u64 = 64 << 20;

/// A layout in a directory.
#[derive(Debug, Clone)]
pub struct Layout {
    dir: PathBuf,
}

impl Layout {
    /// Opens an existing layout.
    ///
    /// # Errors
    /// [`Error::NoLayout`] if `dir` is not a layout, [`Error::Document`] if it is one of another version.
    pub fn open(dir: impl Into<PathBuf>) -> Result<Self> {
        let dir = dir.into();
        if !dir.join("oci-layout").exists() {
            return Err(Error::NoLayout { exists: dir.exists(), dir });
        }
        check_marker(
            &read_limited(&dir.join("oci-layout"), "oci-layout", 4096)?,
            &dir.display().to_string(),
        )?;
        Ok(Self { dir })
    }

    /// Opens a layout, creating an empty one if `dir` is missing or empty.
    ///
    /// # Errors
    /// As [`Layout::open`] if `dir` contains other files, or the system's.
    pub fn create(dir: impl Into<PathBuf>) -> Result<Self> {
        let dir = dir.into();
        fs::create_dir_all(&dir).map_err(Error::io("create", &dir))?;
        if !dir.join("oci-layout").exists() {
            let in_use =
                fs::read_dir(&dir).map_err(Error::io("read", &dir))?.flatten().any(|entry| {
                    let name = entry.file_name();
                    name != "blobs" && name != "index.json" && !is_pending(&name)
                });
            // Another process may have made it a layout meanwhile.
            if in_use && !dir.join("oci-layout").exists() {
                return Err(Error::Document {
                    what: "oci-layout",
                    place: dir.display().to_string(),
                    reason: "the folder contains other files; use an empty or a new one".to_owned(),
                });
            }
            let blobs = dir.join("blobs/sha256");
            fs::create_dir_all(&blobs).map_err(Error::io("create", &blobs))?;
            // Another process may have made the layout meanwhile, and put an image into it.
            let index = dir.join("index.json");
            write_new(&index, &index_bytes(Vec::new())?).map_err(Error::io("write", &index))?;
            let marker = dir.join("oci-layout");
            write_new(&marker, OCI_LAYOUT).map_err(Error::io("write", &marker))?;
        }
        let layout = Self::open(dir)?;
        sweep(&layout.dir);
        Ok(layout)
    }

    /// Returns whether it contains an image; a layout that cannot be read counts as one that does.
    pub fn holds_images(&self) -> bool {
        let index = read_limited(&self.dir.join("index.json"), "index", MAX_INDEX_SIZE);
        let index = index.and_then(|bytes| parse_index(&self.place(None), &bytes));
        index.map_or(true, |index| !index.manifests().is_empty())
    }

    /// Opens the blobs, for writing layers directly into the layout.
    ///
    /// # Errors
    /// The system's.
    pub fn blobs(&self) -> Result<BlobStore> {
        BlobStore::open(self.dir.join("blobs/sha256"))
    }

    /// Reads an image by tag, or the only one.
    ///
    /// # Errors
    /// [`Error::NoSuchImage`] with the tags in the layout, or that of a damaged document.
    pub fn image(&self, tag: Option<&str>, platform: &Platform) -> Result<Image> {
        let place = self.place(tag);
        let index = read_limited(&self.dir.join("index.json"), "index", MAX_INDEX_SIZE)?;
        let blobs: Arc<dyn Blobs> = Arc::new(BlobStore::read_only(self.dir.join("blobs/sha256")));
        image_of_index(&place, &index, tag, platform, blobs)
    }

    /// Writes an image under a tag, or as the only untagged one. The index is renamed into place
    /// last, so a layout never lists a blob that it does not have.
    ///
    /// # Errors
    /// Of the image's blobs, or the system's.
    pub fn put(
        &self,
        image: &Image,
        tag: Option<&str>,
        progress: &dyn Progress,
    ) -> Result<PinnedReference> {
        sink::refuse_pin(tag, &self.place(tag))?;
        let store = self.blobs()?;
        for descriptor in sink::blobs_of(image) {
            sink::copy_blob(image, descriptor, &store, progress)?;
        }
        store.put(&image.manifest_bytes)?;
        self.flush(image)?;
        self.edit(|manifests| {
            let descriptor = sink::tagged(image, tag);
            manifests.retain(|known| name_of(known) != tag);
            manifests.push(serde_json::json!(descriptor));
            Ok::<_, Error>(())
        })?;
        Ok(PinnedReference { place: self.place(None), digest: image.digest })
    }

    /// Flushes the blobs of an image, so that after a power failure too the index lists none that is not there.
    fn flush(&self, image: &Image) -> Result<()> {
        let blobs = self.dir.join("blobs/sha256");
        let digests = image.layers.iter().map(|layer| layer.digest);
        for digest in digests.chain([image.id.0, image.digest]) {
            let path = blobs.join(digest.hex());
            sync_file(&path).map_err(Error::io("flush", &path))?;
        }
        let name = blobs.join("name");
        sync_folder(&name).map_err(Error::io("flush", &blobs))
    }

    /// Returns the descriptors in the index, as they are written.
    ///
    /// # Errors
    /// [`Error::Document`] if it is damaged, or the system's.
    pub fn manifests(&self) -> Result<Vec<Value>> {
        let index = read_limited(&self.dir.join("index.json"), "index", MAX_INDEX_SIZE)?;
        Ok(self.parse(&index)?.1)
    }

    /// Changes the descriptors in the index, one process at a time; nothing is written if `edit` fails. The system
    /// releases the lock when the process ends. Entries of other programs are kept as they are. The index survives a
    /// power failure: it is flushed before it is renamed.
    ///
    /// # Errors
    /// Those of `edit`, [`Error::Document`] if the index is damaged, or the system's.
    pub fn edit<T, E: From<Error>>(
        &self,
        edit: impl FnOnce(&mut Vec<Value>) -> Result<T, E>,
    ) -> Result<T, E> {
        let marker = self.dir.join("oci-layout");
        let lock = File::open(&marker).map_err(Error::io("read", &marker))?;
        lock.lock().map_err(Error::io("lock", &marker))?;
        let path = self.dir.join("index.json");
        let before = read_limited(&path, "index", MAX_INDEX_SIZE)?;
        let (mut index, mut manifests) = self.parse(&before)?;
        let result = edit(&mut manifests)?;
        index["manifests"] = Value::Array(manifests);
        let after = serde_json::to_vec(&index).map_err(|error| self.bad_index(&error))?;
        if after != before {
            write_durably(&path, &after).map_err(Error::io("write", &path))?;
        }
        Ok(result)
    }

    /// Returns the index and its descriptors.
    fn parse(&self, bytes: &[u8]) -> Result<(Value, Vec<Value>)> {
        parse_index(&self.place(None), bytes)?;
        let mut index: Value =
            serde_json::from_slice(bytes).map_err(|error| self.bad_index(&error))?;
        match index["manifests"].take() {
            Value::Array(manifests) => Ok((index, manifests)),
            _ => Err(self.bad_index(&"it has no list `manifests`")),
        }
    }

    fn bad_index(&self, reason: &dyn std::fmt::Display) -> Error {
        Error::Document { what: "index", place: self.place(None), reason: reason.to_string() }
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    fn place(&self, tag: Option<&str>) -> String {
        let tag = tag.map(|tag| format!(":{tag}")).unwrap_or_default();
        format!("oci:{}{tag}", self.dir.display())
    }
}

/// Returns the name of an entry of an index, its `org.opencontainers.image.ref.name`.
pub fn name_of(entry: &Value) -> Option<&str> {
    entry["annotations"][ANNOTATION_REF_NAME].as_str()
}

/// Verifies that the layout's marker file has version 1.
pub(crate) fn check_marker(bytes: &[u8], place: &str) -> Result<()> {
    let bad =
        |reason: String| Error::Document { what: "oci-layout", place: place.to_owned(), reason };
    let marker: serde_json::Value =
        serde_json::from_slice(bytes).map_err(|error| bad(error.to_string()))?;
    match marker["imageLayoutVersion"].as_str() {
        Some(version) if version.starts_with("1.") => Ok(()),
        found => Err(bad(format!("imageLayoutVersion is {found:?}, expected 1.0.0"))),
    }
}

/// Selects an image by tag, or the only image, or by platform if the index is that of one image.
pub(crate) fn image_of_index(
    place: &str,
    index: &[u8],
    tag: Option<&str>,
    platform: &Platform,
    blobs: Arc<dyn Blobs>,
) -> Result<Image> {
    let parsed = parse_index(place, index)?;
    let manifests = parsed.manifests();
    let mut left_out = Vec::new();
    let chosen = match (tag, manifests.as_slice()) {
        (Some(pin), _) if pin.starts_with('@') => {
            manifests.iter().find(|found| found.digest().to_string() == pin[1..]).cloned()
        }
        (Some(tag), _) => manifests.iter().find(|found| tag_of(found) == Some(tag)).cloned(),
        (None, [only]) => Some(only.clone()),
        (None, several)
            if several
                .iter()
                .all(|found| tag_of(found).is_none() && found.platform().is_some()) =>
        {
            let choice = crate::choose_platform(place, index, platform)?;
            left_out = choice.left_out;
            Some(choice.chosen)
        }
        _ => None,
    };
    let Some(chosen) = chosen else {
        let tags: Vec<_> = manifests
            .iter()
            .map(|found| tag_of(found).map_or_else(|| found.digest().to_string(), str::to_owned))
            .collect();
        return Err(Error::NoSuchImage {
            place: place.to_owned(),
            wanted: tag.map_or_else(|| "without a tag".to_owned(), |tag| format!("`{tag}`")),
            present: if tags.is_empty() { "none".to_owned() } else { tags.join(", ") },
        });
    };
    let mut image = Image::read(place, &chosen, platform, blobs)?;
    image.left_out.extend(left_out);
    Ok(image)
}

fn parse_index(place: &str, bytes: &[u8]) -> Result<ImageIndex> {
    serde_json::from_slice(bytes).map_err(|error| Error::Document {
        what: "index",
        place: place.to_owned(),
        reason: error.to_string(),
    })
}

fn tag_of(descriptor: &Descriptor) -> Option<&str> {
    descriptor.annotations().as_ref()?.get(ANNOTATION_REF_NAME).map(String::as_str)
}

pub(crate) fn index_bytes(manifests: Vec<Descriptor>) -> Result<Vec<u8>> {
    let bad =
        |reason: String| Error::Document { what: "index", place: "memory".to_owned(), reason };
    let index = ImageIndexBuilder::default()
        .schema_version(2u32)
        .media_type(MediaType::ImageIndex)
        .manifests(manifests)
        .build()
        .map_err(|error| bad(error.to_string()))?;
    serde_json::to_vec(&index).map_err(|error| bad(error.to_string()))
}
