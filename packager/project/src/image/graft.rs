//! Lays a tree where it really belongs on a base: parents are followed through the base's symlinks
//! (docs/pitfalls.md#2) and directories the base has are stated again with the base's attributes (docs/pitfalls.md#3).

use mlpack_oci::layer::{Node, Tree};
use mlpack_oci::rootfs::{Kind, RootFs};

use crate::Result;

/// The tree as it has to be written on top of `base`.
///
/// # Errors
/// Of [`Tree::insert`], if two paths become one.
pub(super) fn graft(tree: &Tree, base: &RootFs) -> Result<Tree> {
    let mut grafted = Tree::new();
    for (path, node) in tree.iter() {
        let path = base.place(path);
        for (end, _) in path.match_indices('/') {
            if let Some(node) = inherited(base, &path[..end]) {
                grafted.insert(&path[..end], node)?;
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
        grafted.insert(&path, node)?;
    }
    Ok(grafted)
}

/// What a tree at `prefix` meets in `base`: where its folders really are and how they look.
pub(super) fn virtual_packages(base: &RootFs, prefix: &str) -> Vec<String> {
    let parents = prefix.match_indices('/').map(|(end, _)| &prefix[..end]).chain([prefix]);
    let mut virtual_packages: Vec<String> = parents
        .filter_map(|path| base.find(path))
        .map(|found| format!("{} {:?}", found.path, found.entry))
        .collect();
    let place = base.find(prefix).map_or_else(|| prefix.to_owned(), |found| found.path);
    virtual_packages
        .extend(base.below(&place).map(|(path, found)| format!("{path} {:?}", found.entry)));
    virtual_packages
}

fn inherited(base: &RootFs, path: &str) -> Option<Node> {
    let found = base.find(path).filter(|found| found.path == path)?;
    (found.entry.kind == Kind::Directory).then(|| Node::Inherited {
        mode: found.entry.mode,
        uid: found.entry.uid,
        gid: found.entry.gid,
    })
}

#[cfg(test)]
mod tests {
    use mlpack_oci::rootfs::{Entry, LayerIndex};

    use super::*;

    #[test]
    fn a_tree_follows_the_bases_links_and_keeps_its_attributes() {
        let entry = |kind, mode| Entry { kind, mode, uid: 7, gid: 8 };
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
        let grafted = graft(&tree, &base).unwrap();
        let shown: Vec<_> = grafted
            .iter()
            .map(|(path, node)| match node {
                Node::Inherited { mode, uid, gid } => format!("{path} {mode:o} {uid}:{gid}"),
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
