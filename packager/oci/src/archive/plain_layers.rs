//! Decompresses zstd layers for `docker load`: Docker before version 23 does not support zstd.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use oci_spec::image::{Descriptor, MediaType};

use crate::layer::LayerReader;
use crate::{BlobReader, Blobs, Digest, Error, Image, Layer, Result};

/// Returns the image with its zstd layers uncompressed. The id does not change, since the config lists
/// diff ids. Such a layer is read twice: its size must be known before it is sent.
///
/// # Errors
/// Of the image's blobs.
pub fn without_zstd(image: &Image) -> Result<Image> {
    let mut plain = HashMap::new();
    let mut manifest = image.manifest.clone();
    let mut descriptors = manifest.layers().clone();
    for (layer, stored) in image.layers.iter().zip(&mut descriptors) {
        if !layer.descriptor.media_type().to_string().ends_with("zstd") {
            continue;
        }
        let mut reader = LayerReader::open(image, layer)?;
        let size = io::copy(&mut reader, &mut io::sink()).map_err(|error| reader.damaged(error))?;
        reader.finish()?;
        *stored = crate::descriptor(MediaType::ImageLayer, layer.diff_id.0, size);
        plain.insert(layer.diff_id.0, layer.clone());
    }
    if plain.is_empty() {
        return Ok(image.clone());
    }
    manifest.set_layers(descriptors);
    let bytes = serde_json::to_vec(&manifest).map_err(|error| Error::Document {
        what: "manifest",
        place: image.place.clone(),
        reason: error.to_string(),
    })?;
    let blobs = PlainBlobs { image: image.clone(), plain };
    Image::new(image.place.clone(), bytes, image.config_bytes.to_vec(), Arc::new(blobs))
}

/// The blobs of an image, with those of `plain` uncompressed.
struct PlainBlobs {
    image: Image,
    plain: HashMap<Digest, Layer>,
}

impl Blobs for PlainBlobs {
    fn open_at(&self, descriptor: &Descriptor, offset: u64) -> Result<BlobReader> {
        let digest: Option<Digest> = descriptor.digest().try_into().ok();
        let Some(layer) = digest.and_then(|digest| self.plain.get(&digest)) else {
            return self.image.blobs.open_at(descriptor, offset);
        };
        let mut reader = LayerReader::open(&self.image, layer)?;
        let skipped = io::copy(&mut io::Read::take(&mut reader, offset), &mut io::sink());
        skipped.map_err(|error| reader.damaged(error))?;
        Ok(Box::new(reader))
    }
}
