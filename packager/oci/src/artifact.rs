//! Any manifest with a config and layers, whatever they contain (image-spec manifest.md, "Guidelines for Artifact
//! Usage"): an image is one, a registered model another.

use std::fmt;
use std::sync::Arc;

use oci_spec::image::{Descriptor, ImageManifest, MediaType};

use crate::blob::{digest_of, read_small};
use crate::{Blobs, Digest, Error, Image, MAX_MANIFEST_SIZE, Result, descriptor};

/// A manifest and the blobs that it names. Cheap to clone.
#[derive(Clone)]
pub struct Artifact {
    /// Where it is, for messages.
    pub place: String,
    /// Descriptor of the manifest.
    pub descriptor: Descriptor,
    /// Digest of the manifest.
    pub digest: Digest,
    /// The manifest's bytes as stored.
    pub manifest_bytes: Arc<[u8]>,
    /// The manifest.
    pub manifest: ImageManifest,
    /// The config's bytes as stored.
    pub config_bytes: Arc<[u8]>,
    /// The blobs' bytes.
    pub blobs: Arc<dyn Blobs>,
}

impl fmt::Debug for Artifact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Artifact")
            .field("place", &self.place)
            .field("digest", &self.digest)
            .finish_non_exhaustive()
    }
}

impl Artifact {
    /// Builds an artifact from the bytes of its manifest and config.
    ///
    /// # Errors
    /// [`Error::Document`] if the manifest does not parse, [`Error::DigestMismatch`] if it names another config.
    pub fn new(
        place: impl Into<String>,
        manifest_bytes: Vec<u8>,
        config_bytes: Vec<u8>,
        blobs: Arc<dyn Blobs>,
    ) -> Result<Self> {
        let place = place.into();
        let manifest: ImageManifest = serde_json::from_slice(&manifest_bytes).map_err(|error| {
            Error::Document { what: "manifest", place: place.clone(), reason: error.to_string() }
        })?;
        let (expected, found) = (digest_of(manifest.config(), &place)?, Digest::of(&config_bytes));
        if expected != found {
            return Err(Error::DigestMismatch {
                what: format!("config of {place}"),
                expected,
                found,
            });
        }
        for layer in manifest.layers() {
            digest_of(layer, &place)?;
        }
        let digest = Digest::of(&manifest_bytes);
        let media_type = manifest.media_type().clone().unwrap_or(MediaType::ImageManifest);
        Ok(Self {
            descriptor: descriptor(media_type, digest, manifest_bytes.len() as u64),
            digest,
            manifest_bytes: manifest_bytes.into(),
            manifest,
            config_bytes: config_bytes.into(),
            blobs,
            place,
        })
    }

    /// Reads the artifact of a descriptor.
    ///
    /// # Errors
    /// Those of a damaged or missing document.
    pub fn read(place: &str, descriptor: &Descriptor, blobs: Arc<dyn Blobs>) -> Result<Self> {
        let bytes = read_small(&*blobs, descriptor, "manifest", place, MAX_MANIFEST_SIZE)?;
        let manifest: ImageManifest = serde_json::from_slice(&bytes).map_err(|error| {
            Error::Document { what: "manifest", place: place.to_owned(), reason: error.to_string() }
        })?;
        let config = read_small(&*blobs, manifest.config(), "config", place, MAX_MANIFEST_SIZE)?;
        Self::new(place, bytes, config, blobs)
    }

    /// Returns the layers with their digests.
    pub fn layers(&self) -> impl Iterator<Item = (Digest, &Descriptor)> {
        // Their digests were read when the artifact was made.
        self.manifest
            .layers()
            .iter()
            .filter_map(|layer| Some((layer.digest().try_into().ok()?, layer)))
    }
}

impl From<&Image> for Artifact {
    fn from(image: &Image) -> Self {
        let Image { place, descriptor, manifest, .. } = image.clone();
        Self {
            place,
            descriptor,
            digest: image.digest,
            manifest_bytes: Arc::clone(&image.manifest_bytes),
            manifest,
            config_bytes: Arc::clone(&image.config_bytes),
            blobs: Arc::clone(&image.blobs),
        }
    }
}
