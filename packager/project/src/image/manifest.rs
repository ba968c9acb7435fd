//! The new image's manifest.

use std::collections::HashMap;

use mlpack_oci::layer::{Encoding, WrittenLayer};
use mlpack_oci::spec::{Descriptor, ImageManifest, ImageManifestBuilder, MediaType};

use super::Base;
use super::canonical::invalid;
use crate::Result;

/// Annotations that name the base (image-spec annotations.md).
const BASE_NAME: &str = "org.opencontainers.image.base.name";
const BASE_DIGEST: &str = "org.opencontainers.image.base.digest";

/// Returns the manifest of the base's layers and new ones.
///
/// # Errors
/// [`crate::Error::Data`] if it is not valid.
pub(super) fn manifest(
    base: &Base,
    config: Descriptor,
    new: &[WrittenLayer],
) -> Result<ImageManifest> {
    let stored = base.image.manifest.layers().iter().zip(&base.encodings);
    let mut layers: Vec<Descriptor> = stored.map(oci_layer).collect();
    layers.extend(new.iter().map(|layer| layer.descriptor.clone()));
    let mut annotations = HashMap::from([(BASE_DIGEST.to_owned(), base.image.digest.to_string())]);
    if let Some(name) = &base.name {
        annotations.insert(BASE_NAME.to_owned(), name.clone());
    }
    ImageManifestBuilder::default()
        .schema_version(2u32)
        .media_type(MediaType::ImageManifest)
        .config(config)
        .layers(layers)
        .annotations(annotations)
        .build()
        .map_err(|error| invalid("manifest", &error))
}

/// Returns a base's layer with the media type that OCI manifests have for what its bytes are: Docker's types are
/// translated (docs/pitfalls.md#23), and a type that says another compression is corrected. A layer that must not be
/// distributed stays one.
fn oci_layer((layer, encoding): (&Descriptor, &Encoding)) -> Descriptor {
    let mut layer = layer.clone();
    let restricted = ["nondistributable", "foreign"];
    if !restricted.iter().any(|word| layer.media_type().to_string().contains(word)) {
        layer.set_media_type(encoding.media_type());
    }
    layer
}
