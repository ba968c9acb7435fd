//! File trees to compare: what another tool unpacked, what an engine exports.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use sha2::{Digest as _, Sha256};

/// Paths with what is there, as one line each.
pub(crate) type Tree = BTreeMap<String, String>;

/// Every file below a folder with its size; nothing if the folder is not there.
pub(crate) fn files(dir: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.is_symlink() {
            found.extend(files(&path));
        } else {
            found.push(format!("{} {}", path.display(), path.symlink_metadata().unwrap().len()));
        }
    }
    found.sort();
    found
}

/// A folder as root unpacked it.
pub(crate) fn of_folder(dir: &Path) -> Tree {
    let mut tree = Tree::new();
    walk(dir, dir, &mut tree);
    tree
}

fn walk(root: &Path, dir: &Path, tree: &mut Tree) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let meta = path.symlink_metadata().unwrap();
        let kind = if meta.is_symlink() {
            format!("link to {}", fs::read_link(&path).unwrap().display())
        } else if meta.is_dir() {
            walk(root, &path, tree);
            "folder".to_owned()
        } else {
            format!("{} modified {}", content(fs::File::open(&path).unwrap()), meta.mtime())
        };
        let mode = if meta.is_symlink() { 0o777 } else { meta.permissions().mode() & 0o7777 };
        let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
        tree.insert(name, format!("{mode:o} {}:{} {kind}", meta.uid(), meta.gid()));
    }
}

/// What `docker export` writes, hard links told as the files they are.
pub(crate) fn of_tar(file: &Path) -> Tree {
    let mut tree = Tree::new();
    let mut archive = tar::Archive::new(fs::File::open(file).unwrap());
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let name = entry.path().unwrap().to_str().unwrap().trim_end_matches('/').to_owned();
        let header = entry.header().clone();
        let link = entry.link_name().unwrap().map(|link| link.display().to_string());
        let kind = match header.entry_type() {
            tar::EntryType::Symlink => format!("link to {}", link.unwrap()),
            tar::EntryType::Directory => "folder".to_owned(),
            tar::EntryType::Link => {
                let there = tree[&link.unwrap()].clone();
                tree.insert(name, there);
                continue;
            }
            _ => format!("{} modified {}", content(&mut entry), header.mtime().unwrap()),
        };
        let mode = header.mode().unwrap() & 0o7777;
        let owner = format!("{}:{}", header.uid().unwrap(), header.gid().unwrap());
        tree.insert(name, format!("{mode:o} {owner} {kind}"));
    }
    tree
}

fn content(mut reader: impl Read) -> String {
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes).unwrap();
    let hash: String =
        Sha256::digest(&bytes)[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{} bytes {hash}", bytes.len())
}
