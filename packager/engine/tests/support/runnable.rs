//! The image of the tests, and a static busybox to make it of.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use mlpack_oci::layer::{Compression, LayerOptions, Tree, write_layer};
use mlpack_oci::spec::MediaType;
use mlpack_oci::{BlobStore, Digest, Image, Silent, descriptor};
use serde_json::json;

/// Started first. MODE decides how the service behaves.
const START: &str = r#"#!/bin/sh
echo "starting as ${MODE:-serve}"
case "${MODE:-serve}" in
serve)
    /bin/busybox nc -ll -p "${PORT:-5001}" -e /bin/sh /srv/handle &
    trap 'kill $!; exit 0' TERM
    wait ;;
crash)
    echo "Traceback (most recent call last):" >&2
    echo "ModuleNotFoundError: No module named 'sklearn'" >&2
    exit 3 ;;
mute)
    trap 'exit 0' TERM
    /bin/busybox sleep 600 &
    wait ;;
esac
"#;

/// Answers one HTTP request as a scoring server does.
const HANDLE: &str = r#"#!/bin/sh
read -r method path _
type=; length=0
while read -r line; do
    line=${line%?}
    [ -z "$line" ] && break
    case "$line" in
    [Cc]ontent-[Tt]ype:*) type=${line#*: } ;;
    [Cc]ontent-[Ll]ength:*) length=${line#*: } ;;
    esac
done
body=$(/bin/busybox head -c "$length")
reply() {
    printf 'HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %s\r\nConnection: close\r\n%b\r\n%s' "$1" "$2" "${#3}" "$4" "$3"
}
echo "$method $path" >&2
case "$method $path $type" in
"GET / "*) reply '200 OK' text/plain Healthy '' ;;
"POST /score application/json")
    case "$body" in
    *boom*) reply '500 Internal Server Error' application/json '{"message":"no"}' 'x-ms-run-function-failed: True\r\n' ;;
    *) reply '200 OK' application/json "{\"echo\": $body}" '' ;;
    esac ;;
"POST /score "*) reply '415 Unsupported Media Type' application/json '{"message":"json only"}' '' ;;
*) reply '404 Not Found' text/plain no '' ;;
esac
"#;

/// An image under one name: a base layer that is only this test's, and a layer of scripts.
pub struct Runnable {
    /// Name for image and containers, different in every run.
    pub unique: String,
    busybox: PathBuf,
    folder: tempfile::TempDir,
}

impl Runnable {
    pub fn new(unique: String, busybox: PathBuf) -> Self {
        Self { unique, busybox, folder: tempfile::tempdir().unwrap() }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn store(&self) -> BlobStore {
        BlobStore::open(self.folder.path().join("blobs")).unwrap()
    }

    /// The image, with one more file that distinguishes its builds.
    pub fn image(&self, marker: &str) -> Image {
        let mut base = Tree::new();
        base.add_file("bin/busybox", &self.busybox).unwrap();
        base.add_symlink("bin/sh", "busybox").unwrap();
        base.add_bytes("srv/test", self.unique.clone().into_bytes(), false).unwrap();
        let mut scripts = Tree::new();
        scripts.add_bytes("srv/start", START.as_bytes(), false).unwrap();
        scripts.add_bytes("srv/handle", HANDLE.as_bytes(), false).unwrap();
        scripts.add_bytes("srv/marker", marker.as_bytes().to_vec(), false).unwrap();
        let policy = LayerOptions { mtime: LayerOptions::DEFAULT_MTIME, threads: 2 };
        let store = self.store();
        let write =
            |tree, compression| write_layer(tree, compression, policy, &store, &Silent).unwrap();
        // The base must be executable; the tree knows it from the file's own mode.
        let layers = [write(&base, Compression::Gzip), write(&scripts, Compression::None)];
        let diff_ids: Vec<_> = layers.iter().map(|layer| layer.diff_id.to_string()).collect();
        let descriptors = layers.map(|layer| layer.descriptor);
        self.assemble(marker, &diff_ids, &descriptors)
    }

    /// The same image with its last layer stored as zstd.
    pub fn with_zstd(&self, image: &Image) -> Image {
        let last = image.layers.last().unwrap();
        let mut bytes = Vec::new();
        std::io::copy(&mut image.open(last).unwrap(), &mut bytes).unwrap();
        let level = ruzstd::encoding::CompressionLevel::Fastest;
        // Two frames, as some writers make.
        let (first, second) = bytes.split_at(bytes.len() / 2);
        let mut stored = ruzstd::encoding::compress_to_vec(first, level);
        stored.extend(ruzstd::encoding::compress_to_vec(second, level));
        let digest = self.store().put(&stored).unwrap();
        let mut descriptors = image.manifest.layers().clone();
        let replaced = descriptors.last_mut().unwrap();
        *replaced = descriptor(MediaType::ImageLayerZstd, digest, stored.len() as u64);
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MediaType::ImageManifest.to_string(),
            "config": image.manifest.config(),
            "layers": descriptors,
        });
        self.value(manifest.to_string().into_bytes(), image.config_bytes.to_vec())
    }

    fn assemble(
        &self,
        marker: &str,
        diff_ids: &[String],
        layers: &[mlpack_oci::spec::Descriptor],
    ) -> Image {
        let config = json!({
            "architecture": "amd64",
            "os": "linux",
            "config": {
                "Entrypoint": ["/bin/sh", "/srv/start"],
                "ExposedPorts": {"5001/tcp": {}},
                "Labels": {"test": self.unique, "marker": marker},
            },
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
        });
        let config = config.to_string().into_bytes();
        let config_descriptor =
            descriptor(MediaType::ImageConfig, Digest::of(&config), config.len() as u64);
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MediaType::ImageManifest.to_string(),
            "config": config_descriptor,
            "layers": layers,
        });
        self.value(manifest.to_string().into_bytes(), config)
    }

    fn value(&self, manifest: Vec<u8>, config: Vec<u8>) -> Image {
        Image::new("test", manifest, config, Arc::new(self.store())).unwrap()
    }
}

/// A busybox on PATH that needs no loader, as `FROM scratch` images do.
pub fn busybox() -> Option<PathBuf> {
    #[allow(clippy::disallowed_methods, reason = "tests look for their tools on PATH")]
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join("busybox"))
        .find(|file| std::fs::read(file).is_ok_and(|bytes| is_static(&bytes)))
}

/// Whether no program header is PT_INTERP (ELF-64 object file format, "Program header").
fn is_static(elf: &[u8]) -> bool {
    const PT_INTERP: u32 = 3;
    let number = |at: usize, length: usize| -> Option<usize> {
        let bytes = elf.get(at..at + length)?;
        Some(bytes.iter().rev().fold(0, |value, &byte| value << 8 | usize::from(byte)))
    };
    let headers = || {
        let (start, size, count) = (number(32, 8)?, number(54, 2)?, number(56, 2)?);
        (0..count).map(|at| number(start + at * size, 4)).collect::<Option<Vec<_>>>()
    };
    elf.starts_with(b"\x7fELF\x02\x01")
        && headers().is_some_and(|kinds| !kinds.contains(&(PT_INTERP as usize)))
}
