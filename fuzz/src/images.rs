//! Layers, archives and documents of images.

use std::collections::BTreeMap;
use std::io::{self, Cursor};
use std::path::Path;
use std::sync::Arc;

use mlpack_oci::archive::{open_docker_archive, open_oci_archive};
use mlpack_oci::rootfs::{CaptureRule, LayerIndex, RootFs};
use mlpack_oci::spec::{Descriptor, MediaType};
use mlpack_oci::{
    BlobReader, Blobs, Digest, Error, Image, Platform, Progress as _, Result, Silent,
    choose_platform, descriptor,
};
use serde_json::json;

use crate::file;

/// Blobs in memory.
struct Memory(BTreeMap<String, Vec<u8>>);

impl Memory {
    fn of(blobs: &[&[u8]]) -> Arc<Self> {
        let named = |bytes: &&[u8]| (Digest::of(bytes).to_string(), bytes.to_vec());
        Arc::new(Self(blobs.iter().map(named).collect()))
    }
}

impl Blobs for Memory {
    fn open_at(&self, descriptor: &Descriptor, offset: u64) -> Result<BlobReader> {
        let missing = || Error::io("find", Path::new("memory"))(io::ErrorKind::NotFound.into());
        let bytes = self.0.get(&descriptor.digest().to_string()).ok_or_else(missing)?;
        let mut reader = Cursor::new(bytes.clone());
        reader.set_position(offset);
        Ok(Box::new(reader))
    }
}

/// A layer as it is stored: its index, and what facts of a base are read from it.
pub(crate) fn layer(bytes: &[u8]) {
    let digest = Digest::of(bytes);
    let config = json!({
        "architecture": "amd64",
        "os": "linux",
        "rootfs": { "type": "layers", "diff_ids": [digest.to_string()] },
    });
    let config = config.to_string().into_bytes();
    let layer = descriptor(MediaType::ImageLayer, digest, bytes.len() as u64);
    let manifest = json!({
        "schemaVersion": 2,
        "config": descriptor(MediaType::ImageConfig, Digest::of(&config), config.len() as u64),
        "layers": [layer],
    });
    let manifest = manifest.to_string().into_bytes();
    let blobs = Memory::of(&[bytes, &config, &manifest]);
    let Ok(image) = Image::new("memory", manifest, config, blobs) else { return };
    let rule = |path: &str| match path.rsplit('/').next() {
        Some("os-release" | "METADATA") => CaptureRule::Whole(64 << 10),
        _ => CaptureRule::Nothing,
    };
    let meter = Silent.begin("", None);
    if let Ok(index) = LayerIndex::read(&image, &image.layers[0], &rule, &*meter) {
        let root = RootFs::merge([&index, &index]);
        for path in index.entries.keys() {
            root.find(path);
        }
    }
}

/// An archive of `docker save`, or of an OCI layout.
pub(crate) fn archive(bytes: &[u8]) {
    let Some((dir, path)) = file("image.tar", bytes) else { return };
    let platform = Platform::linux_amd64();
    for open in [open_docker_archive, open_oci_archive] {
        if let Ok(image) = open(&path, None, &platform, dir.path()) {
            for layer in &image.layers {
                let mut bytes = [0; 512];
                let _ = image.open(layer).map(|mut layer| layer.read(&mut bytes));
            }
        }
    }
}

/// An index, or a manifest and its config with a zero byte between them.
pub(crate) fn manifest(bytes: &[u8]) {
    let platform = Platform::linux_amd64();
    let _ = choose_platform("memory", bytes, &platform);
    let mut parts = bytes.splitn(2, |byte| *byte == 0);
    let (manifest, config) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let blobs = Memory::of(&[manifest, config]);
    let opened = Image::new("memory", manifest.to_vec(), config.to_vec(), blobs);
    if let Ok(image) = opened {
        let _ = image.serving(&platform);
    }
}
