//! An image goes into each sink on disk and comes back the same.

#![allow(clippy::unwrap_used, reason = "a test stops where something is not as it must be")]

use std::fs;
use std::path::Path;
use std::sync::Arc;

use mlpack_oci::archive::{Flavour, open_docker_archive, open_oci_archive, write_archive};
use mlpack_oci::layer::{Compression, LayerOptions, Tree, write_layer};
use mlpack_oci::layout::Layout;
use mlpack_oci::rootfs::{CaptureRule, LayerIndex};
use mlpack_oci::{BlobStore, Digest, Error, Image, Platform, Silent, descriptor, spec};

const POLICY: LayerOptions = LayerOptions { mtime: LayerOptions::DEFAULT_MTIME, threads: 2 };

/// Two layers, one gzip and one raw, in a store of their own.
fn sample(dir: &Path) -> Image {
    let store = BlobStore::open(dir).unwrap();
    let layers: Vec<_> = [(Compression::Gzip, "one"), (Compression::None, "two")]
        .into_iter()
        .map(|(compression, name)| {
            let mut tree = Tree::new();
            tree.add_bytes(&format!("srv/{name}"), name.as_bytes().to_vec(), false).unwrap();
            write_layer(&tree, compression, POLICY, &store, &Silent).unwrap()
        })
        .collect();
    let rootfs = spec::RootFsBuilder::default()
        .typ("layers")
        .diff_ids(layers.iter().map(|layer| layer.diff_id.to_string()).collect::<Vec<_>>())
        .build()
        .unwrap();
    let config = spec::ImageConfigurationBuilder::default()
        .architecture(spec::Arch::Amd64)
        .os(spec::Os::Linux)
        .rootfs(rootfs)
        .build()
        .unwrap();
    let config = serde_json::to_vec(&config).unwrap();
    let config_descriptor =
        descriptor(spec::MediaType::ImageConfig, Digest::of(&config), config.len() as u64);
    let manifest = spec::ImageManifestBuilder::default()
        .schema_version(2u32)
        .media_type(spec::MediaType::ImageManifest)
        .config(config_descriptor)
        .layers(layers.into_iter().map(|layer| layer.descriptor).collect::<Vec<_>>())
        .build()
        .unwrap();
    Image::new("sample", serde_json::to_vec(&manifest).unwrap(), config, Arc::new(store)).unwrap()
}

fn paths(image: &Image) -> Vec<String> {
    image
        .layers
        .iter()
        .flat_map(|layer| {
            LayerIndex::read(image, layer, &|_| CaptureRule::Nothing, &Silent)
                .unwrap()
                .entries
                .into_keys()
        })
        .collect()
}

#[test]
fn a_layout_gives_back_what_was_put_in() {
    let dir = tempfile::tempdir().unwrap();
    let image = sample(&dir.path().join("store"));
    let layout = Layout::create(dir.path().join("layout")).unwrap();
    let pinned = layout.put(&image, Some("v1"), &Silent).unwrap();
    assert_eq!(pinned.digest, image.digest);
    layout.put(&image, Some("v1"), &Silent).unwrap();
    let back = layout.image(Some("v1"), &Platform::linux_amd64()).unwrap();
    assert_eq!((back.digest, back.id), (image.digest, image.id));
    assert_eq!(paths(&back), ["srv", "srv/one", "srv", "srv/two"]);
    let error = layout.image(Some("v2"), &Platform::linux_amd64()).unwrap_err();
    assert!(matches!(&error, Error::NoSuchImage { present, .. } if present == "v1"), "{error}");
}

#[test]
fn archives_give_back_what_was_written_and_are_the_same_each_time() {
    let dir = tempfile::tempdir().unwrap();
    let image = sample(&dir.path().join("store"));
    let file = |name: &str| dir.path().join(name);
    write_archive(&image, &file("oci.tar"), Flavour::Oci, Some("v1"), &Silent).unwrap();
    write_archive(&image, &file("docker.tar"), Flavour::Docker, Some("a/b:v1"), &Silent).unwrap();
    write_archive(&image, &file("again.tar"), Flavour::Docker, Some("a/b:v1"), &Silent).unwrap();
    assert!(fs::read(file("docker.tar")).unwrap() == fs::read(file("again.tar")).unwrap());
    let platform = Platform::linux_amd64();
    let oci = open_oci_archive(&file("oci.tar"), None, &platform, dir.path()).unwrap();
    assert_eq!(oci.digest, image.digest);
    assert_eq!(paths(&oci), paths(&image));
    let docker =
        open_docker_archive(&file("docker.tar"), Some("a/b:v1"), &platform, dir.path()).unwrap();
    assert_eq!(docker.id, image.id);
    assert_eq!(docker.layers[0].digest, image.layers[0].digest);
    assert_eq!(paths(&docker), paths(&image));
}

#[test]
fn a_damaged_layer_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let image = sample(&dir.path().join("store"));
    let blob = dir.path().join("store").join(image.layers[0].digest.hex());
    let bytes = fs::read(&blob).unwrap();
    let read =
        || LayerIndex::read(&image, &image.layers[0], &|_| CaptureRule::Nothing, &Silent).map(drop);
    fs::write(&blob, &bytes[..bytes.len() / 2]).unwrap();
    let error = read().unwrap_err();
    assert!(error.to_string().contains(&image.layers[0].digest.to_string()), "{error}");
    let mut flipped = bytes.clone();
    flipped[bytes.len() / 2] ^= 1;
    fs::write(&blob, flipped).unwrap();
    let error = read().unwrap_err();
    assert!(error.hint().unwrap().contains("damaged"), "{error}");
}

#[test]
fn a_layout_refuses_a_folder_of_other_files() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("thesis.tex"), "precious").unwrap();
    let error = Layout::create(dir.path()).unwrap_err();
    assert!(error.to_string().contains("contains other files"), "{error}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn what_others_wrote_into_an_index_stays() {
    let dir = tempfile::tempdir().unwrap();
    let image = sample(&dir.path().join("store"));
    let layout = Layout::create(dir.path().join("layout")).unwrap();
    layout.put(&image, Some("v1"), &Silent).unwrap();
    let path = dir.path().join("layout/index.json");
    let mut index: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    index["annotations"] = serde_json::json!({ "z": "1", "a": "2" });
    index["manifests"][0]["annotations"]["x.other"] = "kept".into();
    index["manifests"][0]["artifactType"] = "application/x.other".into();
    fs::write(&path, index.to_string()).unwrap();
    layout.put(&image, Some("v2"), &Silent).unwrap();
    let after: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    assert_eq!(after["annotations"], index["annotations"]);
    assert_eq!(after["manifests"][0], index["manifests"][0]);
    assert_eq!(after["manifests"].as_array().unwrap().len(), 2);
}

#[test]
fn a_layout_cannot_lead_out_of_itself() {
    let dir = tempfile::tempdir().unwrap();
    let image = sample(&dir.path().join("store"));
    let layout = Layout::create(dir.path().join("layout")).unwrap();
    layout.put(&image, Some("v1"), &Silent).unwrap();
    fs::write(dir.path().join("outside"), b"{}").unwrap();
    let path = dir.path().join("layout/index.json");
    let text = fs::read_to_string(&path).unwrap();
    for bad in ["sha256:../../../outside", "../../../outside", "sha256:/etc/passwd"] {
        fs::write(&path, text.replace(&image.digest.to_string(), bad)).unwrap();
        let error = layout.image(Some("v1"), &Platform::linux_amd64()).unwrap_err();
        assert!(matches!(error, Error::Document { .. }), "{bad}: {error}");
    }
}
