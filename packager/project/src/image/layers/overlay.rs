//! Places a tree over a base: parents are followed through the base's symlinks
//! (docs/pitfalls.md#2), and directories that the base has are repeated with the base's attributes
//! (docs/pitfalls.md#3).

use mlpack_oci::layer::{Node, Tree};
use mlpack_oci::rootfs::{Kind, RootFs};

use super::key::KeyWriter;
use crate::Result;

/// Returns the tree as it has to be written on top of `base`.
///
/// # Errors
/// Those of [`Tree::insert`], if two paths become one.
pub(in crate::image) fn overlay(tree: &Tree, base: &RootFs) -> Result<Tree> {
    let mut placed = Tree::new();
    for (path, node) in tree.iter() {
        let path = base.place(path);
        for (end, _) in path.match_indices('/') {
            if let Some(node) = inherited(base, &path[..end]) {
                placed.insert(&path[..end], node)?;
            }
        }
        let node = match node {
            Node::Directory { .. } => inherited(base, &path).unwrap_or_else(|| node.clone()),
            _ => node.clone(),
        };
        // A directory may be a symlink in the base; then what is in it goes to its target.
        if node.is_directory() && base.find(&path).is_some_and(|found| found.path != path) {
            continue;
        }
        placed.insert(&path, node)?;
    }
    Ok(placed)
}

/// Writes what a tree at `prefix` meets in `base` into a cache key: where its folders really are
/// and their attributes.
pub(super) fn write_surroundings(base: &RootFs, prefix: &str, key: &mut KeyWriter) {
    let parents = prefix.match_indices('/').map(|(end, _)| &prefix[..end]).chain([prefix]);
    for found in parents.filter_map(|path| base.find(path)) {
        key.entry(&found.path, found.entry);
    }
    let place = base.find(prefix).map_or_else(|| prefix.to_owned(), |found| found.path);
    for (path, found) in base.below(&place) {
        key.entry(path, found.entry);
    }
}

fn inherited(base: &RootFs, path: &str) -> Option<Node> {
    let found = base.find(path).filter(|found| found.path == path)?;
    (found.entry.kind == Kind::Directory).then(|| Node::Inherited {
        mode: found.entry.mode,
        uid: found.entry.uid,
        gid: found.entry.gid,
        stamp: found.entry.stamp.clone(),
    })
}

#[cfg(test)]
mod tests {
    use mlpack_oci::rootfs::{Entry, LayerIndex};

    use super::*;

    #[test]
    fn a_tree_follows_the_bases_links_and_keeps_its_attributes() {
        let entry = |kind, mode| Entry { kind, mode, uid: 7, gid: 8, stamp: None };
        let base = LayerIndex {
            entries: [
                ("data".to_owned(), entry(Kind::Directory, 0o755)),
                ("data/var".to_owned(), entry(Kind::Directory, 0o2775)),
                ("var".to_owned(), entry(Kind::Symlink("data/var".to_owned()), 0o777)),
            ]
            .into(),
            ..LayerIndex::default()
        };
        let base = RootFs::merge([&base]);
        let mut tree = Tree::new();
        tree.add_bytes("var/app/score.py", &b"x"[..], false).unwrap();
        let placed = overlay(&tree, &base).unwrap();
        let shown: Vec<_> = placed
            .iter()
            .map(|(path, node)| match node {
                Node::Inherited { mode, uid, gid, .. } => format!("{path} {mode:o} {uid}:{gid}"),
                Node::Directory { .. } => format!("{path} new"),
                _ => path.to_owned(),
            })
            .collect();
        assert_eq!(
            shown,
            ["data 755 7:8", "data/var 2775 7:8", "data/var/app new", "data/var/app/score.py"]
        );
    }
}
