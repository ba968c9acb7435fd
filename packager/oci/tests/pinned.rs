//! The bytes of each kind of layer are a promise: a change here needs a new
//! [`mlpack_oci::FORMAT_VERSION`].

#![allow(clippy::unwrap_used, reason = "a test stops where something is not as it must be")]

use std::path::Path;
use std::sync::Arc;

use flate2::Crc;
use mlpack_oci::layer::{
    Compression, Content, Deflated, LayerOptions, Node, Part, Tree, WrittenLayer, compose_layer,
    write_layer,
};
use mlpack_oci::layout::Layout;
use mlpack_oci::{BlobStore, Digest, Image, Silent, descriptor, spec};

const OPTIONS: LayerOptions = LayerOptions { mtime: LayerOptions::DEFAULT_MTIME, threads: 2 };

/// Bytes that compress a little, the same on every machine.
fn bytes(size: u32) -> Vec<u8> {
    (0..size).map(|n| (n.wrapping_mul(n) / 7 % 251) as u8).collect()
}

/// A tree with every kind of entry, and a file of more than one gzip member.
fn tree() -> Tree {
    let mut tree = Tree::new();
    tree.insert("tmp", Node::Directory { open: true }).unwrap();
    tree.insert("srv", Node::Inherited { mode: 0o2775, uid: 33, gid: 34, stamp: None }).unwrap();
    tree.add_bytes("srv/run", &b"#!/bin/sh\n"[..], true).unwrap();
    tree.add_bytes("srv/über", &b"not ASCII"[..], false).unwrap();
    tree.add_bytes(&format!("srv/{}", "long/".repeat(60) + "name"), &b"long"[..], false).unwrap();
    tree.add_symlink("bin", "srv/run").unwrap();
    tree.add_bytes("srv/model.bin", bytes((1 << 20) + 5), false).unwrap();
    tree
}

/// A tree of one file that is in `archive` as a raw deflate stream of stored blocks (RFC 1951, 3.2.4).
fn deflated(archive: &Path) -> Tree {
    let content = bytes(100_000);
    let mut stream = Vec::new();
    let blocks: Vec<&[u8]> = content.chunks(50_000).collect();
    for (number, block) in blocks.iter().enumerate() {
        let length = u16::try_from(block.len()).unwrap();
        stream.push(u8::from(number + 1 == blocks.len()));
        stream.extend(length.to_le_bytes());
        stream.extend((!length).to_le_bytes());
        stream.extend(*block);
    }
    std::fs::write(archive, &stream).unwrap();
    let mut crc = Crc::new();
    crc.update(&content);
    let mut tree = Tree::new();
    let size = content.len() as u64;
    let content = Content::Deflated(Deflated {
        open: Arc::new(move || Ok(Box::new(std::io::Cursor::new(content.clone())))),
        file: archive.into(),
        offset: 0,
        length: stream.len() as u64,
        crc32: crc.sum(),
    });
    tree.insert("lib/wheel.so", Node::File { executable: true, size, content }).unwrap();
    tree
}

fn image(layers: &[WrittenLayer], store: BlobStore) -> Image {
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
    let about = descriptor(spec::MediaType::ImageConfig, Digest::of(&config), config.len() as u64);
    let manifest = spec::ImageManifestBuilder::default()
        .schema_version(2u32)
        .media_type(spec::MediaType::ImageManifest)
        .config(about)
        .layers(layers.iter().map(|layer| layer.descriptor.clone()).collect::<Vec<_>>())
        .build()
        .unwrap();
    Image::new("pinned", serde_json::to_vec(&manifest).unwrap(), config, Arc::new(store)).unwrap()
}

#[test]
fn layers_manifest_and_config_have_these_digests() {
    let dir = tempfile::tempdir().unwrap();
    let store = BlobStore::open(dir.path().join("store")).unwrap();
    let write = |compression| write_layer(&tree(), compression, OPTIONS, &store, &Silent).unwrap();
    let compose = |parts: &[Part<'_>]| compose_layer(parts, OPTIONS, &store, &Silent).unwrap();
    let tree = tree();
    let mut other = Tree::new();
    other.add_bytes("opt/other", bytes(70_000), false).unwrap();
    let wheel = deflated(&dir.path().join("archive"));
    let part = |tree| Part { tree, known: None };

    let gzip = write(Compression::Gzip);
    let stored = write(Compression::None);
    let (composed, parts) = compose(&[part(&tree), part(&other)]);
    let known = Part { tree: &other, known: Some(parts[1].clone()) };
    let (copied_part, _) = compose(&[known, part(&wheel)]);
    let (copied_deflate, _) = compose(&[part(&wheel), part(&tree)]);
    let layers = [gzip, stored, composed, copied_part, copied_deflate];
    let image = image(&layers, store);
    let layout = Layout::create(dir.path().join("layout")).unwrap();
    let pinned = layout.put(&image, Some("v1"), &Silent).unwrap();

    let mut found: Vec<String> = ["gzip", "stored", "composed", "copied part", "copied deflate"]
        .iter()
        .zip(&layers)
        .map(|(name, layer)| format!("{name} {} {}", layer.digest, layer.diff_id))
        .collect();
    found.push(format!("config {}", image.id));
    found.push(format!("manifest {}", pinned.digest));
    assert_eq!(found, EXPECTED);
}

/// Name, digest and diff id of each layer.
const EXPECTED: [&str; 7] = [
    "gzip sha256:47f85d62c1472d0d00561c8f9de4db8536e1585b84d0c13dbecd8839d4c92659 sha256:fa538e65749931afff3c88e3563eec218c240a8254e2b9d1c9daa8e2d6e3d213",
    "stored sha256:fa538e65749931afff3c88e3563eec218c240a8254e2b9d1c9daa8e2d6e3d213 sha256:fa538e65749931afff3c88e3563eec218c240a8254e2b9d1c9daa8e2d6e3d213",
    "composed sha256:e0fa22bd389329b52c64b35f6d9b95f0a1c683a69b85f63272b3c6472a17055c sha256:ee7ee5c7559ac8601ef617e68749286a335a41aaa6fb28811e9c9b82f43668d1",
    "copied part sha256:f48d783ec8ea5f28b4089eef1fe95017a492251b5d99a3221e5abc217f054f08 sha256:bb15b4a27a26c96a5e6bf38cc621ccc7cb95540d15915bb529e4c8cefb090f88",
    "copied deflate sha256:ab945d219e28a23fe68392140d65dbec2f28cabee395b07f68bd7265482fb730 sha256:3da740456a03adf212462e3262ab0f7880d4c6b4dd16caffefeb10263bbe1910",
    "config sha256:69912471f3f40eb5730513f1188eade43469a803e24e59561ef2accfe68d916e",
    "manifest sha256:bc3bc1c6b2f8cdcec398667e3b40eced0e4747bd8116cba4583a68974e662c74",
];
