//! The image: manifest, config and the blobs behind them, as one value.

use std::fmt;
use std::sync::Arc;

use oci_spec::image::{
    Descriptor, DescriptorBuilder, ImageConfiguration, ImageIndex, ImageManifest, MediaType,
};

use crate::blob::{digest_of, read_small};
use crate::{BlobReader, Blobs, DiffId, Digest, Error, ImageId, Platform, Result};

/// The largest manifest, index or config that is read, in bytes. Registries must take 4 MiB
/// (distribution-spec, "Pushing Manifests"); configs with long histories are far smaller.
pub const MAX_MANIFEST_SIZE: u64 = 4 << 20;

/// One layer of an image, in order from the bottom.
#[derive(Debug, Clone)]
pub struct Layer {
    /// The stored blob.
    pub descriptor: Descriptor,
    /// Digest of the stored blob.
    pub digest: Digest,
    /// Digest of the uncompressed tar.
    pub diff_id: DiffId,
}

/// An image of one platform. Cheap to clone.
#[derive(Clone)]
pub struct Image {
    /// Where the image is, for messages: `oci:DIR:TAG`, `docker:NAME`, a reference.
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
    /// The config.
    pub config: ImageConfiguration,
    /// The id in the Docker engine.
    pub id: ImageId,
    /// Layers from the bottom up.
    pub layers: Vec<Layer>,
    /// The blobs' bytes.
    pub blobs: Arc<dyn Blobs>,
    /// What the index that the image was chosen from has besides, as in `linux/arm64`.
    pub left_out: Vec<String>,
}

impl fmt::Debug for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Image").field("place", &self.place).field("digest", &self.digest).finish()
    }
}

/// The most indexes on the way to an image: an index may refer to another one (image-index.md).
pub const MAX_INDEXES: usize = 8;

impl Image {
    /// Builds an image from the bytes of its manifest and config.
    ///
    /// # Errors
    /// [`Error::Document`] if they do not parse or do not match: the config must list one diff id per
    /// layer, and its digest must be the one in the manifest.
    pub fn new(
        place: impl Into<String>,
        manifest_bytes: Vec<u8>,
        config_bytes: Vec<u8>,
        blobs: Arc<dyn Blobs>,
    ) -> Result<Self> {
        let place = place.into();
        let bad = |what, reason: String| Error::Document { what, place: place.clone(), reason };
        let manifest: ImageManifest = serde_json::from_slice(&manifest_bytes)
            .map_err(|error| bad("manifest", error.to_string()))?;
        let config: ImageConfiguration =
            serde_json::from_slice(&config_bytes).map_err(|error| {
                match is_image_config(manifest.config().media_type()) {
                    true => bad("config", error.to_string()),
                    // Helm charts, models and the like are stored as images are.
                    false => bad(
                        "manifest",
                        format!(
                            "it is no image: its config is `{}`",
                            manifest.config().media_type()
                        ),
                    ),
                }
            })?;
        let id = Digest::of(&config_bytes);
        let promised = digest_of(manifest.config(), &place)?;
        if id != promised {
            return Err(Error::DigestMismatch {
                what: "config".to_owned(),
                expected: promised,
                found: id,
            });
        }
        let diff_ids = config.rootfs().diff_ids();
        if diff_ids.len() != manifest.layers().len() {
            return Err(bad(
                "config",
                format!(
                    "it lists {} diff ids, the manifest {} layers",
                    diff_ids.len(),
                    manifest.layers().len()
                ),
            ));
        }
        let layers = manifest
            .layers()
            .iter()
            .zip(diff_ids)
            .map(|(descriptor, diff_id)| {
                Ok(Layer {
                    descriptor: descriptor.clone(),
                    digest: digest_of(descriptor, &place)?,
                    diff_id: diff_id.parse().map_err(|error: crate::DigestParseError| {
                        bad("config", error.to_string())
                    })?,
                })
            })
            .collect::<Result<Vec<_>>>()?;
        let digest = Digest::of(&manifest_bytes);
        let media_type = manifest.media_type().clone().unwrap_or(MediaType::ImageManifest);
        let descriptor = descriptor(media_type, digest, manifest_bytes.len() as u64);
        Ok(Self {
            place,
            descriptor,
            digest,
            manifest_bytes: manifest_bytes.into(),
            manifest,
            config_bytes: config_bytes.into(),
            config,
            id: ImageId(id),
            layers,
            blobs,
            left_out: Vec::new(),
        })
    }

    /// Reads the image of a descriptor; of an index, the image for `platform`.
    ///
    /// # Errors
    /// Those of a damaged or missing document, or [`Error::NoSuchImage`] for the platform.
    pub fn read(
        place: &str,
        descriptor: &Descriptor,
        platform: &Platform,
        blobs: Arc<dyn Blobs>,
    ) -> Result<Self> {
        let mut chosen = descriptor.clone();
        let (mut indexes, mut left_out) = (0, Vec::new());
        let bytes = loop {
            let what = if is_index(chosen.media_type()) { "index" } else { "manifest" };
            let bytes = read_small(&*blobs, &chosen, what, place, MAX_MANIFEST_SIZE)?;
            if !is_index(chosen.media_type()) {
                break bytes;
            }
            indexes += 1;
            if indexes > MAX_INDEXES {
                return Err(Error::Document {
                    what: "index",
                    place: place.to_owned(),
                    reason: format!("it refers to more than {MAX_INDEXES} others in a row"),
                });
            }
            let choice = choose_platform(place, &bytes, platform)?;
            left_out.extend(choice.left_out);
            chosen = choice.chosen;
        };
        let manifest: ImageManifest = serde_json::from_slice(&bytes).map_err(|error| {
            Error::Document { what: "manifest", place: place.to_owned(), reason: error.to_string() }
        })?;
        let config = read_small(&*blobs, manifest.config(), "config", place, MAX_MANIFEST_SIZE)?;
        Ok(Self { left_out, ..Self::new(place, bytes, config, blobs)?.serving(platform)? })
    }

    /// Returns the image if it is for `platform`.
    ///
    /// # Errors
    /// [`Error::NoSuchImage`] with the platform it is for.
    pub fn serving(self, platform: &Platform) -> Result<Self> {
        let own = self.platform();
        if platform.serves(&own.os, &own.architecture, own.variant.as_deref()) {
            return Ok(self);
        }
        Err(Error::NoSuchImage {
            place: self.place,
            wanted: format!("for {platform}"),
            present: own.to_string(),
        })
    }

    /// Opens a layer's stored bytes.
    ///
    /// # Errors
    /// The blob source's.
    pub fn open(&self, layer: &Layer) -> Result<BlobReader> {
        self.blobs.open(&layer.descriptor)
    }

    /// A layer's name in messages, counted from 1 at the bottom: `layer 3 of oci:base`.
    pub(crate) fn layer_name(&self, digest: &Digest) -> String {
        let number = self.layers.iter().position(|layer| layer.digest == *digest);
        format!("layer {} of {}", number.unwrap_or(0) + 1, self.place)
    }

    /// The platform in its config.
    pub fn platform(&self) -> Platform {
        Platform {
            os: self.config.os().to_string(),
            architecture: self.config.architecture().to_string(),
            variant: self.config.variant().clone(),
        }
    }
}

/// A manifest of an index.
#[derive(Debug)]
pub struct Choice {
    /// The descriptor.
    pub chosen: Descriptor,
    /// What else the index has, as in `linux/arm64` or `attestation`.
    pub left_out: Vec<String>,
}

/// Returns the manifest for `platform` in an index.
///
/// # Errors
/// [`Error::NoSuchImage`] with the platforms in the index.
pub fn choose_platform(place: &str, index: &[u8], platform: &Platform) -> Result<Choice> {
    let index: ImageIndex = serde_json::from_slice(index).map_err(|error| Error::Document {
        what: "index",
        place: place.to_owned(),
        reason: error.to_string(),
    })?;
    let mut present = Vec::new();
    let mut served: Vec<(bool, &Descriptor)> = Vec::new();
    for child in index.manifests() {
        let Some(found) = child.platform() else { continue };
        let (os, arch) = (found.os().to_string(), found.architecture().to_string());
        let variant = found.variant().as_deref();
        if platform.serves(&os, &arch, variant) {
            served.push((!platform.is_same_variant(variant), child));
        } else if os != "unknown" {
            present.push(format!("{os}/{arch}"));
        }
    }
    if let Some((_, child)) = served.into_iter().min_by_key(|(differs, _)| *differs) {
        let others = index.manifests().iter().filter(|other| *other != child);
        return Ok(Choice { chosen: child.clone(), left_out: others.map(what_it_is).collect() });
    }
    // Layouts of a single image have one manifest without a platform.
    if let [only] = index.manifests().as_slice()
        && only.platform().is_none()
    {
        return Ok(Choice { chosen: only.clone(), left_out: Vec::new() });
    }
    Err(Error::NoSuchImage {
        place: place.to_owned(),
        wanted: format!("for {platform}"),
        present: if present.is_empty() { "none".to_owned() } else { present.join(", ") },
    })
}

/// Returns what an entry of an index is, for people.
fn what_it_is(entry: &Descriptor) -> String {
    let annotations = entry.annotations().as_ref();
    let kind = annotations.and_then(|all| all.get("vnd.docker.reference.type"));
    match (kind.map(String::as_str), entry.platform()) {
        (Some("attestation-manifest"), _) => "attestation".to_owned(),
        (_, Some(platform)) => Platform {
            os: platform.os().to_string(),
            architecture: platform.architecture().to_string(),
            variant: platform.variant().clone(),
        }
        .to_string(),
        (_, None) => entry.media_type().to_string(),
    }
}

fn is_image_config(media_type: &MediaType) -> bool {
    *media_type == MediaType::ImageConfig
        || media_type.to_string() == "application/vnd.docker.container.image.v1+json"
}

/// Returns whether a media type is an index or Docker's manifest list.
pub fn is_index(media_type: &MediaType) -> bool {
    *media_type == MediaType::ImageIndex
        || media_type.to_string() == "application/vnd.docker.distribution.manifest.list.v2+json"
}

/// Returns a descriptor of a blob.
pub fn descriptor(media_type: MediaType, digest: Digest, size: u64) -> Descriptor {
    #[allow(clippy::unwrap_used, reason = "the three mandatory fields are set")]
    DescriptorBuilder::default().media_type(media_type).digest(digest).size(size).build().unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_variants_the_plain_one_is_taken() {
        let child = |number: u8, architecture: &str, variant: &str| {
            let digest = format!("sha256:{}", format!("{number:02x}").repeat(32));
            let variant = if variant.is_empty() {
                String::new()
            } else {
                format!(r#","variant":"{variant}""#)
            };
            format!(
                r#"{{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"{digest}","size":1,"platform":{{"os":"linux","architecture":"{architecture}"{variant}}}}}"#
            )
        };
        let index = |children: &[String]| {
            format!(r#"{{"schemaVersion":2,"manifests":[{}]}}"#, children.join(","))
        };
        let chosen = |index: &str, platform: &str| {
            let found =
                choose_platform("place", index.as_bytes(), &platform.parse().unwrap()).unwrap();
            u8::from_str_radix(&found.chosen.digest().digest()[..2], 16).unwrap()
        };
        let both = index(&[
            child(3, "amd64", "v3"),
            child(1, "amd64", ""),
            child(7, "arm", "v6"),
            child(8, "arm64", "v8"),
        ]);
        for (platform, number) in [
            ("linux/amd64", 1),
            ("linux/amd64/v3", 3),
            ("linux/amd64/v1", 1),
            ("linux/arm", 7),
            ("linux/arm64", 8),
        ] {
            assert_eq!(chosen(&both, platform), number, "{platform}");
        }
        assert_eq!(chosen(&index(&[child(3, "amd64", "v3")]), "linux/amd64"), 3);
    }
}
