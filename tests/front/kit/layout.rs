//! A second reader of OCI layouts, which shares no code with the command.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// Manifest and config of an image in a layout.
pub(crate) struct Image {
    pub(crate) digest: String,
    pub(crate) manifest: Value,
    pub(crate) config: Value,
}

impl Image {
    /// Digests of the layers, from the bottom.
    pub(crate) fn layers(&self) -> Vec<String> {
        let layers = self.manifest["layers"].as_array().unwrap();
        layers.iter().map(|layer| layer["digest"].as_str().unwrap().to_owned()).collect()
    }
}

/// The path of a blob.
pub(crate) fn blob_path(layout: &Path, digest: &str) -> PathBuf {
    layout.join("blobs").join(digest.replace(':', "/"))
}

/// A blob that is JSON.
#[track_caller]
fn document(layout: &Path, digest: &str) -> Value {
    serde_json::from_slice(&fs::read(blob_path(layout, digest)).unwrap()).unwrap()
}

/// The one image of a layout; every blob it names must be the one it names.
#[track_caller]
pub(crate) fn image(layout: &Path) -> Image {
    let index: Value =
        serde_json::from_slice(&fs::read(layout.join("index.json")).unwrap()).unwrap();
    let manifests = index["manifests"].as_array().unwrap();
    assert_eq!(manifests.len(), 1, "{index}");
    let digest = manifests[0]["digest"].as_str().unwrap().to_owned();
    let manifest = document(layout, &digest);
    let config = manifest["config"]["digest"].as_str().unwrap().to_owned();
    let image = Image { config: document(layout, &config), manifest, digest };
    for digest in image.layers().iter().chain([&image.digest, &config]) {
        let bytes = fs::read(blob_path(layout, digest)).unwrap();
        assert_eq!(*digest, sha256(&bytes), "a blob of {}", layout.display());
    }
    image
}

/// Writes a layout with one image of compressed layers, unless it is there.
pub(super) fn write(layout: &Path, config: &Value, layers: Vec<Vec<u8>>) {
    let kind = "application/vnd.oci.image";
    let mut blobs = vec![config.to_string().into_bytes()];
    blobs.extend(layers);
    let descriptors: Vec<Value> = blobs
        .iter()
        .zip(std::iter::once("config.v1+json").chain(std::iter::repeat("layer.v1.tar+gzip")))
        .map(|(blob, of)| {
            json!({ "mediaType": format!("{kind}.{of}"), "digest": sha256(blob), "size": blob.len() })
        })
        .collect();
    let manifest = json!({
        "schemaVersion": 2, "mediaType": format!("{kind}.manifest.v1+json"),
        "config": descriptors[0], "layers": descriptors[1..],
    })
    .to_string();
    let index = json!({
        "schemaVersion": 2, "mediaType": format!("{kind}.index.v1+json"),
        "manifests": [{
            "mediaType": format!("{kind}.manifest.v1+json"), "digest": sha256(manifest.as_bytes()),
            "size": manifest.len(), "platform": { "architecture": "amd64", "os": "linux" },
            "annotations": { "org.opencontainers.image.ref.name": "latest" },
        }],
    })
    .to_string();
    if fs::read(layout.join("index.json")).is_ok_and(|found| found == index.as_bytes()) {
        return;
    }
    fs::create_dir_all(layout.join("blobs/sha256")).unwrap();
    blobs.push(manifest.into_bytes());
    for blob in blobs {
        fs::write(blob_path(layout, &sha256(&blob)), blob).unwrap();
    }
    fs::write(layout.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
    fs::write(layout.join("index.json"), index).unwrap();
}

/// Lets the one image of a layout say that it is for another architecture.
pub(crate) fn relabel(layout: &Path, architecture: &str) {
    let Image { mut manifest, mut config, .. } = image(layout);
    config["architecture"] = architecture.into();
    name(layout, &mut manifest["config"], &config);
    let path = layout.join("index.json");
    let mut index: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    index["manifests"][0].as_object_mut().unwrap().remove("platform");
    name(layout, &mut index["manifests"][0], &manifest);
    fs::write(path, index.to_string()).unwrap();
}

/// Puts a layer, given as its tar, on top of the one image of a layout.
pub(crate) fn add_layer(layout: &Path, tar: &[u8]) {
    let digest = sha256(tar);
    fs::write(blob_path(layout, &digest), tar).unwrap();
    edit(layout, |manifest, config| {
        config["rootfs"]["diff_ids"].as_array_mut().unwrap().push(digest.clone().into());
        config["history"] = json!([]);
        let layer = json!({
            "mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": digest,
            "size": tar.len(),
        });
        manifest["layers"].as_array_mut().unwrap().push(layer);
    });
}

/// Changes manifest and config of the one image of a layout.
pub(crate) fn edit(layout: &Path, change: impl FnOnce(&mut Value, &mut Value)) {
    let Image { mut manifest, mut config, .. } = image(layout);
    change(&mut manifest, &mut config);
    name(layout, &mut manifest["config"], &config);
    let path = layout.join("index.json");
    let mut index: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    name(layout, &mut index["manifests"][0], &manifest);
    fs::write(path, index.to_string()).unwrap();
}

/// Writes a blob and lets its descriptor name it.
fn name(layout: &Path, descriptor: &mut Value, document: &Value) {
    let bytes = document.to_string();
    let digest = sha256(bytes.as_bytes());
    fs::write(blob_path(layout, &digest), &bytes).unwrap();
    descriptor["digest"] = digest.into();
    descriptor["size"] = bytes.len().into();
}

/// `sha256:` and the hexadecimal digits.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    let hex: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}
