//! The merged file system of an image's layers.

use std::collections::BTreeMap;

use super::index::{Entry, Kind, LayerIndex};

/// An entry of the merged file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found<'a> {
    /// The real path, after symlinks.
    pub path: String,
    /// Number of the layer it comes from, from 0 at the bottom.
    pub layer: usize,
    /// The entry.
    pub entry: &'a Entry,
}

/// The file system that a container would see, according to the layers' indexes.
#[derive(Debug, Clone, Default)]
pub struct RootFs {
    entries: BTreeMap<String, (usize, Entry)>,
    kept: BTreeMap<String, String>,
}

/// Linux treats more symlinks than these as a loop (path_resolution(7)).
const MAX_LINKS: usize = 40;

impl RootFs {
    /// Merges indexes from the bottom up: opaque directories first, then deletions,
    /// then entries (layer.md, "Applying Changesets").
    pub fn merge<'a>(layers: impl IntoIterator<Item = &'a LayerIndex>) -> Self {
        let mut root = Self::default();
        for (number, layer) in layers.into_iter().enumerate() {
            for dir in &layer.opaque {
                let dir =
                    root.find(dir).map_or_else(|| root.through_parents(dir), |found| found.path);
                root.remove_below(&dir);
            }
            for path in &layer.whiteouts {
                root.remove(path);
            }
            let mut folder = None;
            for (path, entry) in &layer.entries {
                root.put(number, path, entry, &mut folder);
            }
            for (path, text) in &layer.kept {
                root.kept.insert(root.through_parents(path), text.clone());
            }
            root.link_kept(layer);
        }
        root
    }

    /// Finds a path, following symlinks in its parents and, at the end, its own.
    pub fn find(&self, path: &str) -> Option<Found<'_>> {
        let mut links = 0;
        let mut rest: Vec<String> = names(path).rev().map(str::to_owned).collect();
        let mut at = String::new();
        let mut found = None;
        while let Some(name) = rest.pop() {
            if name == ".." {
                at.truncate(at.rfind('/').unwrap_or(0));
                found = self.entries.get(&at);
                continue;
            }
            let next = join(&at, &name);
            let (_, entry) = self.entries.get(&next)?;
            if let Kind::Symlink(target) = &entry.kind {
                links += 1;
                if links > MAX_LINKS {
                    return None;
                }
                if target.starts_with('/') {
                    at.clear();
                }
                rest.extend(names(target).rev().map(str::to_owned));
                continue;
            }
            at = next;
            found = self.entries.get(&at);
        }
        found.map(|(layer, entry)| Found { layer: *layer, entry, path: at })
    }

    /// The kept content of a file, following symlinks.
    pub fn text(&self, path: &str) -> Option<(&str, Found<'_>)> {
        let found = self.find(path)?;
        Some((self.kept.get(&found.path)?, found))
    }

    /// Everything below a directory given by its real path, by real paths; `""` for all.
    pub fn below<'a>(&'a self, dir: &str) -> impl Iterator<Item = (&'a str, Found<'a>)> + use<'a> {
        let prefix = if dir.is_empty() { String::new() } else { format!("{dir}/") };
        self.entries
            .range(prefix.clone()..)
            .take_while(move |(path, _)| path.starts_with(&prefix))
            .map(|(path, (layer, entry))| {
                (path.as_str(), Found { path: path.clone(), layer: *layer, entry })
            })
    }

    /// The real path of a new entry at `path`: symlinks in its existing parents are followed,
    /// so that a layer never replaces a symlink of the base by a directory (docs/pitfalls.md#2).
    pub fn place(&self, path: &str) -> String {
        self.through_parents(path)
    }

    /// Kept contents by real path.
    pub fn kept(&self) -> impl Iterator<Item = (&str, &str)> {
        self.kept.iter().map(|(path, text)| (path.as_str(), text.as_str()))
    }

    fn through_parents(&self, path: &str) -> String {
        let names: Vec<&str> = names(path).collect();
        for known in (1..names.len()).rev() {
            let parent = names[..known].join("/");
            if self.is_root(&parent) {
                return names[known..].join("/");
            }
            if let Some(found) = self.find(&parent) {
                return join(&found.path, &names[known..].join("/"));
            }
        }
        names.join("/")
    }

    /// Returns whether a path is a link to the root itself, which has no entry.
    fn is_root(&self, path: &str) -> bool {
        matches!(self.entries.get(path), Some((_, Entry { kind: Kind::Symlink(target), .. }))
            if names(target).next().is_none() && target.starts_with('/'))
    }

    /// `folder` caches the real path of the last entry's folder: the next is mostly in the same one.
    fn put(&mut self, layer: usize, path: &str, entry: &Entry, folder: &mut Option<Folder>) {
        let (dir, name) = path.rsplit_once('/').unwrap_or(("", path));
        let path = match folder {
            Some(known) if known.written == dir => join(&known.real, name),
            _ => {
                let path = self.through_parents(path);
                self.imply_parents(layer, &path);
                let real = path.rsplit_once('/').map_or("", |(dir, _)| dir).to_owned();
                *folder = Some(Folder { written: dir.to_owned(), real });
                path
            }
        };
        let before = self.entries.get(&path).map(|(_, entry)| &entry.kind);
        let was_directory = before == Some(&Kind::Directory);
        let is_directory = entry.kind == Kind::Directory;
        // Only a link, or an entry that replaced another one, can change how paths resolve.
        let same = before.is_none() || (was_directory && is_directory);
        if !same || matches!(entry.kind, Kind::Symlink(_)) {
            *folder = None;
        }
        if was_directory && !is_directory {
            self.remove_below(&path);
        }
        if !(was_directory && is_directory) {
            self.kept.remove(&path);
        }
        self.entries.insert(path, (layer, entry.clone()));
    }

    /// A tar may name a file without its folders, or below a symlink to one.
    fn imply_parents(&mut self, layer: usize, path: &str) {
        for (end, _) in path.match_indices('/') {
            let parent = &path[..end];
            match self.entries.get(parent) {
                Some((_, Entry { kind: Kind::Directory, .. })) => {}
                _ => {
                    let implied = Entry { kind: Kind::Directory, mode: 0o755, uid: 0, gid: 0 };
                    self.entries.insert(parent.to_owned(), (layer, implied));
                }
            }
        }
    }

    fn remove(&mut self, path: &str) {
        let path = self.through_parents(path);
        self.entries.remove(&path);
        self.kept.remove(&path);
        self.remove_below(&path);
    }

    fn remove_below(&mut self, dir: &str) {
        let prefix = if dir.is_empty() { String::new() } else { format!("{dir}/") };
        let gone: Vec<String> = self
            .entries
            .range(prefix.clone()..)
            .map(|(path, _)| path)
            .take_while(|path| path.starts_with(&prefix))
            .cloned()
            .collect();
        for path in gone {
            self.entries.remove(&path);
            self.kept.remove(&path);
        }
    }

    /// A hard link has the content of its target.
    fn link_kept(&mut self, layer: &LayerIndex) {
        for (path, entry) in &layer.entries {
            if let Kind::Hardlink(target) = &entry.kind
                && let Some(text) = layer.kept.get(target)
            {
                self.kept.insert(self.through_parents(path), text.clone());
            }
        }
    }
}

/// A folder as a layer writes it, and its real path.
struct Folder {
    written: String,
    real: String,
}

fn names(path: &str) -> impl DoubleEndedIterator<Item = &str> {
    path.split('/').filter(|name| !name.is_empty() && *name != ".")
}

fn join(dir: &str, name: &str) -> String {
    if dir.is_empty() { name.to_owned() } else { format!("{dir}/{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(entries: &[(&str, Kind)], whiteouts: &[&str], opaque: &[&str]) -> LayerIndex {
        let entry = |kind: &Kind| Entry { kind: kind.clone(), mode: 0o755, uid: 0, gid: 0 };
        LayerIndex {
            entries: entries.iter().map(|(path, kind)| ((*path).to_owned(), entry(kind))).collect(),
            whiteouts: whiteouts.iter().map(|path| (*path).to_owned()).collect(),
            opaque: opaque.iter().map(|path| (*path).to_owned()).collect(),
            kept: entries
                .iter()
                .filter(|(_, kind)| matches!(kind, Kind::File(_)))
                .map(|(path, _)| ((*path).to_owned(), format!("content of {path}")))
                .collect(),
        }
    }

    fn paths(root: &RootFs) -> Vec<&str> {
        root.below("").map(|(path, _)| path).collect()
    }

    #[test]
    fn symlinks_are_followed_also_in_parents() {
        let root = RootFs::merge([&layer(
            &[
                ("bin", Kind::Symlink("usr/bin".to_owned())),
                ("usr/bin/python3", Kind::Symlink("python3.6".to_owned())),
                ("usr/bin/python3.6", Kind::File(1)),
                ("etc/os-release", Kind::Symlink("../usr/lib/os-release".to_owned())),
                ("usr/lib/os-release", Kind::File(1)),
                ("loop", Kind::Symlink("/loop".to_owned())),
            ],
            &[],
            &[],
        )]);
        assert_eq!(root.find("bin/python3").unwrap().path, "usr/bin/python3.6");
        assert_eq!(root.text("/etc/os-release").unwrap().0, "content of usr/lib/os-release");
        assert_eq!(root.find("loop"), None);
        assert_eq!(root.place("bin/new/file"), "usr/bin/new/file");
    }

    #[test]
    fn deletions_and_opaque_directories_hide_lower_layers_only() {
        let bottom = layer(
            &[("a/x", Kind::File(1)), ("b/x/y", Kind::File(1)), ("c", Kind::File(1))],
            &[],
            &[],
        );
        let top = layer(&[("a/new", Kind::File(1)), ("c/d", Kind::File(1))], &["b/x"], &["a"]);
        let root = RootFs::merge([&bottom, &top]);
        assert_eq!(paths(&root), ["a", "a/new", "b", "c", "c/d"]);
        assert_eq!(root.find("a/new").unwrap().layer, 1);
        assert_eq!(root.text("b/x/y"), None);
    }

    #[test]
    fn an_opaque_directory_below_a_link_hides_what_the_link_leads_to() {
        let bottom = layer(
            &[("lib", Kind::Symlink("usr/lib".to_owned())), ("usr/lib/old", Kind::File(1))],
            &[],
            &[],
        );
        let top = layer(&[("lib/new", Kind::File(1))], &[], &["lib"]);
        let root = RootFs::merge([&bottom, &top]);
        assert_eq!(paths(&root), ["lib", "usr", "usr/lib", "usr/lib/new"]);
    }

    #[test]
    fn a_link_to_the_root_is_kept() {
        let root = RootFs::merge([&layer(&[("host", Kind::Symlink("/".to_owned()))], &[], &[])]);
        assert_eq!(root.place("host/etc/new"), "etc/new");
    }

    #[test]
    fn a_file_below_a_symlink_is_in_its_target() {
        let bottom = layer(
            &[("lib", Kind::Symlink("usr/lib".to_owned())), ("usr/lib", Kind::Directory)],
            &[],
            &[],
        );
        let top = layer(&[("lib/libc.so", Kind::File(1))], &[], &[]);
        let root = RootFs::merge([&bottom, &top]);
        assert_eq!(paths(&root), ["lib", "usr", "usr/lib", "usr/lib/libc.so"]);
    }
}
