//! Layers on top of each other, beside the plainest reading of the specification.

use std::collections::BTreeMap;

use mlpack_oci::rootfs::{Entry, Kind, LayerIndex, RootFs};

/// Names of a path; few, so that layers meet.
const NAMES: [&str; 4] = ["a", "b", "c", "d"];

/// Each step takes two bytes: what it does, and to which path.
pub(crate) fn merge(bytes: &[u8]) {
    let mut layers = vec![LayerIndex::default()];
    for step in bytes.chunks_exact(2).take(64) {
        let layer = layers.len() - 1;
        let path = path(step[1]);
        let plain = |kind| Entry { kind, ..Entry::directory(0o755) };
        match step[0] % 6 {
            0 => layers.push(LayerIndex::default()),
            1 => drop(layers[layer].whiteouts.insert(path)),
            2 => drop(layers[layer].opaque.insert(path)),
            3 => drop(layers[layer].entries.insert(path, plain(Kind::Directory))),
            4 => drop(layers[layer].entries.insert(path, plain(Kind::File(u64::from(step[0]))))),
            _ => {
                let target = format!("/{}", self::path(step[0].rotate_left(3)));
                layers[layer].entries.insert(path, plain(Kind::Symlink(target)));
            }
        }
    }
    let root = RootFs::merge(&layers);
    for path in layers.iter().flat_map(|layer| layer.entries.keys()) {
        root.find(path);
        root.place(path);
    }
    if let Some(expected) = plainly(&layers) {
        let found: BTreeMap<&str, &Kind> =
            root.below("").map(|(path, found)| (path, &found.entry.kind)).collect();
        // Folders that no layer states are there too.
        let stated: BTreeMap<&str, &Kind> =
            expected.iter().map(|(path, kind)| (path.as_str(), kind)).collect();
        let of_files = |(_, kind): &(&&str, &&Kind)| ***kind != Kind::Directory;
        assert!(
            found.iter().filter(of_files).eq(stated.iter().filter(of_files)),
            "{layers:#?}\nfound {found:?}\nexpected {stated:?}"
        );
        for path in stated.keys() {
            assert!(found.contains_key(path), "{layers:#?}\nno {path}");
        }
    }
}

/// One to three names.
fn path(byte: u8) -> String {
    let names = usize::from(byte >> 6).clamp(1, 3);
    let name = |place: usize| NAMES[usize::from(byte >> (2 * place)) % NAMES.len()];
    (0..names).map(name).collect::<Vec<_>>().join("/")
}

/// Applies layers by the words of layer.md, for those without links whose layers do not contradict themselves.
fn plainly(layers: &[LayerIndex]) -> Option<BTreeMap<String, Kind>> {
    let is_below =
        |path: &str, dir: &str| path.strip_prefix(dir).is_some_and(|rest| rest.starts_with('/'));
    let mut tree: BTreeMap<String, Kind> = BTreeMap::new();
    for layer in layers {
        for (path, entry) in &layer.entries {
            let is_link = matches!(entry.kind, Kind::Symlink(_));
            let has_more = layer.entries.keys().any(|other| is_below(other, path));
            if is_link || (entry.kind != Kind::Directory && has_more) {
                return None;
            }
        }
        for dir in &layer.opaque {
            tree.retain(|path, _| !is_below(path, dir));
        }
        for gone in &layer.whiteouts {
            tree.retain(|path, _| path != gone && !is_below(path, gone));
        }
        for (path, entry) in &layer.entries {
            // A file on the way gives way to the folder that the path needs.
            tree.retain(|other, kind| !(is_below(path, other) && *kind != Kind::Directory));
            if entry.kind != Kind::Directory {
                tree.retain(|other, _| !is_below(other, path));
            }
            tree.insert(path.clone(), entry.kind.clone());
        }
    }
    Some(tree)
}
