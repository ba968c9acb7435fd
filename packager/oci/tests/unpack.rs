//! Unpacking the layers of an image.

#![allow(clippy::unwrap_used, reason = "a test stops where something is not as it must be")]

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use mlpack_oci::layout::Layout;
use mlpack_oci::rootfs::unpack;
use mlpack_oci::{Image, Platform, Silent};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tar::{EntryType, Header};

/// An entry of a layer: path, kind, link target, content.
type Entry<'a> = (&'a str, EntryType, &'a str, &'a str);

const DIR: EntryType = EntryType::Directory;
const FILE: EntryType = EntryType::Regular;
const LINK: EntryType = EntryType::Symlink;
const HARD: EntryType = EntryType::Link;

fn tar(entries: &[Entry<'_>]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (path, kind, link, content) in entries {
        let mut header = Header::new_gnu();
        header.set_entry_type(*kind);
        header.set_mode(if *kind == DIR { 0o555 } else { 0o4744 });
        header.set_size(content.len() as u64);
        header.set_mtime(1);
        // As a hostile tool writes them: paths are not checked.
        header.as_gnu_mut().unwrap().name[..path.len()].copy_from_slice(path.as_bytes());
        header.as_gnu_mut().unwrap().linkname[..link.len()].copy_from_slice(link.as_bytes());
        header.set_cksum();
        tar.append(&header, content.as_bytes()).unwrap();
    }
    tar.into_inner().unwrap()
}

fn image(dir: &Path, layers: &[&[Entry<'_>]]) -> Image {
    let blobs = dir.join("blobs/sha256");
    fs::create_dir_all(&blobs).unwrap();
    let put = |kind: &str, bytes: &[u8]| {
        let hex: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        fs::write(blobs.join(&hex), bytes).unwrap();
        json!({ "mediaType": kind, "digest": format!("sha256:{hex}"), "size": bytes.len() })
    };
    let layers: Vec<_> = layers
        .iter()
        .map(|entries| put("application/vnd.oci.image.layer.v1.tar", &tar(entries)))
        .collect();
    let ids: Vec<_> = layers.iter().map(|layer| &layer["digest"]).collect();
    let config = json!({
        "architecture": "amd64", "os": "linux", "rootfs": { "type": "layers", "diff_ids": ids },
    });
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": put("application/vnd.oci.image.config.v1+json", config.to_string().as_bytes()),
        "layers": layers,
    });
    let kind = "application/vnd.oci.image.manifest.v1+json";
    let manifest = put(kind, manifest.to_string().as_bytes());
    let index = json!({ "schemaVersion": 2, "manifests": [manifest] });
    fs::write(dir.join("index.json"), index.to_string()).unwrap();
    fs::write(dir.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
    Layout::open(dir).unwrap().image(None, &Platform::linux_amd64()).unwrap()
}

/// Unpacks layers, and lists what there is.
fn unpacked(layers: &[&[Entry<'_>]]) -> (tempfile::TempDir, String) {
    let dir = tempfile::tempdir().unwrap();
    let image = image(&dir.path().join("image"), layers);
    let root = dir.path().join("root");
    fs::create_dir(&root).unwrap();
    unpack(&image, &root, &Silent).unwrap();
    let mut lines = Vec::new();
    list(&root, "", &mut lines);
    (dir, lines.join("\n"))
}

fn list(root: &Path, below: &str, lines: &mut Vec<String>) {
    let mut names: Vec<_> =
        fs::read_dir(root.join(below)).unwrap().map(|item| item.unwrap().file_name()).collect();
    names.sort();
    for name in names {
        let path = Path::new(below).join(name);
        let path = path.to_str().unwrap();
        let found = fs::symlink_metadata(root.join(path)).unwrap();
        let mode = found.permissions().mode() & 0o7777;
        if found.is_dir() {
            lines.push(format!("{path}/ {mode:o}"));
            list(root, path, lines);
        } else if found.is_symlink() {
            let target = fs::read_link(root.join(path)).unwrap();
            lines.push(format!("{path} -> {}", target.display()));
        } else {
            let content = fs::read_to_string(root.join(path)).unwrap();
            lines.push(format!("{path} {mode:o} {content}"));
        }
    }
}

#[test]
fn later_layers_replace_delete_and_hide() {
    let (_dir, found) = unpacked(&[
        &[
            ("a/", DIR, "", ""),
            ("a/old", FILE, "", "1"),
            ("a/kept", FILE, "", "1"),
            ("hidden/x/y", FILE, "", "1"),
            ("becomes-folder", FILE, "", "1"),
            ("becomes-file/x", FILE, "", "1"),
            ("lib", LINK, "usr/lib", ""),
            ("usr/lib/", DIR, "", ""),
        ],
        &[
            // An opaque folder may come after its own content (layer.md, "Opaque Whiteout").
            ("hidden/new", FILE, "", "2"),
            ("hidden/.wh..wh..opq", FILE, "", ""),
            ("a/.wh.old", FILE, "", ""),
            ("a/.wh.not-there", FILE, "", ""),
            ("becomes-folder/x", FILE, "", "2"),
            ("becomes-file", FILE, "", "2"),
            ("lib/libc.so", FILE, "", "2"),
            ("lib/libm.so", HARD, "usr/lib/libc.so", ""),
        ],
    ]);
    assert_eq!(
        found,
        "a/ 755\na/kept 744 1\nbecomes-file 744 2\nbecomes-folder/ 755\nbecomes-folder/x 744 2\nhidden/ 755\nhidden/new 744 2\nlib -> usr/lib\nusr/ 755\nusr/lib/ 755\nusr/lib/libc.so 744 2\nusr/lib/libm.so 744 2"
    );
}

#[test]
fn hard_links_are_links() {
    let (dir, _) = unpacked(&[&[("a", FILE, "", "1"), ("b", HARD, "a", "")]]);
    let inode = |name: &str| fs::metadata(dir.path().join("root").join(name)).unwrap().ino();
    assert_eq!(inode("a"), inode("b"));
}

#[test]
fn nothing_leads_out_of_the_folder() {
    let outside = tempfile::tempdir().unwrap();
    let to_outside = outside.path().to_str().unwrap();
    fs::write(outside.path().join("secret"), "untouched").unwrap();
    let secret = format!("{to_outside}/secret");
    let (_dir, found) = unpacked(&[
        &[
            ("../up", FILE, "", "x"),
            ("link", LINK, to_outside, ""),
            ("up", LINK, "../../../../../..", ""),
            ("file", LINK, &secret, ""),
        ],
        &[("up/in-the-root", FILE, "", "x"), ("file", FILE, "", "x")],
    ]);
    assert_eq!(
        found,
        format!("file 744 x\nin-the-root 744 x\nlink -> {to_outside}\nup -> ../../../../../..")
    );
    assert_eq!(fs::read_to_string(outside.path().join("secret")).unwrap(), "untouched");
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);
}

#[test]
fn a_path_through_a_link_that_leads_nowhere_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let image = image(
        &dir.path().join("image"),
        &[&[("link", LINK, "/not/there", ""), ("link/x", FILE, "", "x")]],
    );
    let root = dir.path().join("root");
    fs::create_dir(&root).unwrap();
    let error = unpack(&image, &root, &Silent).unwrap_err().to_string();
    let root = root.display();
    assert_eq!(
        error,
        format!("cannot unpack {root}/link/x: No such file or directory (os error 2)")
    );
}
