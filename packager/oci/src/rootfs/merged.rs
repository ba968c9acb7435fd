//! The merged file system of an image's layers.

use std::collections::BTreeMap;
use std::path::Path;

use super::index::{Entry, Kind, LayerIndex};
use super::names::names;
use super::walk::{Step, Walk, join};

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
            let replaced = root.replaced_links(layer);
            let is_new = |path: &str| replaced.iter().any(|link| Path::new(path).starts_with(link));
            let mut walk = Walk::default();
            for dir in layer.opaque.iter().filter(|dir| !is_new(dir)) {
                let place = root.walk(&mut walk, dir);
                let dir = root.find(dir).map_or(place, |found| found.path);
                root.remove_below(&dir);
            }
            let is_in_new = |path: &str| path.rsplit_once('/').is_some_and(|(dir, _)| is_new(dir));
            walk.clear();
            for path in layer.whiteouts.iter().filter(|path| !is_in_new(path)) {
                let path = root.walk(&mut walk, path);
                root.remove(&path);
            }
            walk.clear();
            for (path, entry) in &layer.entries {
                root.put(number, path, entry, &mut walk);
            }
            walk.clear();
            for (path, text) in &layer.kept {
                let path = root.walk(&mut walk, path);
                root.kept.insert(path, text.clone());
            }
            root.link_kept(layer);
        }
        root
    }

    /// Returns the symlinks that a layer replaces by directories. What it deletes below them is not what they lead to.
    fn replaced_links(&self, layer: &LayerIndex) -> Vec<String> {
        // Only layers that delete are searched: most do not.
        if layer.opaque.is_empty() && layer.whiteouts.is_empty() {
            return Vec::new();
        }
        let mut walk = Walk::default();
        let mut is_link = |path: &str| {
            let found = self.entries.get(&self.walk(&mut walk, path));
            matches!(found, Some((_, Entry { kind: Kind::Symlink(_), .. })))
        };
        let directories = layer.entries.iter().filter(|(_, entry)| entry.kind == Kind::Directory);
        directories.filter(|(path, _)| is_link(path)).map(|(path, _)| path.clone()).collect()
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
        self.walk(&mut Walk::default(), names(path).collect::<Vec<_>>().join("/").as_str())
    }

    /// Kept contents by real path.
    pub fn kept(&self) -> impl Iterator<Item = (&str, &str)> {
        self.kept.iter().map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// Returns the real path of an entry, whose folders are near those of the last one.
    fn walk(&self, walk: &mut Walk, path: &str) -> String {
        walk.place(path, |dir, name| self.step(dir, name))
    }

    /// Looks up a name in a folder given by its real path, and follows it if it is a link that leads somewhere.
    fn step(&self, dir: &str, name: &str) -> Step {
        let path = join(dir, name);
        match self.entries.get(&path).map(|(_, entry)| &entry.kind) {
            Some(Kind::Directory) => Step { real: path, missing: false },
            Some(Kind::Symlink(target)) if is_root(target) => {
                Step { real: String::new(), missing: false }
            }
            Some(Kind::Symlink(_)) => match self.find(&path) {
                Some(found) => {
                    let missing = found.entry.kind != Kind::Directory;
                    Step { real: found.path, missing }
                }
                None => Step { real: path, missing: true },
            },
            _ => Step { real: path, missing: true },
        }
    }

    /// Puts an entry where its path leads. A tar may name a file without its folders, or below a link to one.
    fn put(&mut self, layer: usize, path: &str, entry: &Entry, walk: &mut Walk) {
        let path = self.walk(walk, path);
        let missing: Vec<String> = walk.missing().map(str::to_owned).collect();
        for folder in missing {
            let implied = Entry::directory(0o755);
            self.entries.insert(folder, (layer, implied));
        }
        walk.made();
        let before = self.entries.get(&path).map(|(_, entry)| &entry.kind);
        let was_directory = before == Some(&Kind::Directory);
        let is_directory = entry.kind == Kind::Directory;
        // Only a link, or an entry that replaced another one, can change how paths resolve.
        let same = before.is_none() || (was_directory && is_directory);
        if !same || matches!(entry.kind, Kind::Symlink(_)) {
            walk.clear();
        }
        if was_directory && !is_directory {
            self.remove_below(&path);
        }
        if !(was_directory && is_directory) {
            self.kept.remove(&path);
        }
        self.entries.insert(path, (layer, entry.clone()));
    }

    /// Removes an entry given by its real path, and everything below it.
    fn remove(&mut self, path: &str) {
        self.entries.remove(path);
        self.kept.remove(path);
        self.remove_below(path);
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
        let mut walk = Walk::default();
        for (path, entry) in &layer.entries {
            if let Kind::Hardlink(target) = &entry.kind
                && let Some(text) = layer.file_of(target).and_then(|file| layer.kept.get(file))
            {
                let path = self.walk(&mut walk, path);
                self.kept.insert(path, text.clone());
            }
        }
    }
}

/// Whether a link leads to the root itself, which has no entry.
fn is_root(target: &str) -> bool {
    target.starts_with('/') && names(target).next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(entries: &[(&str, Kind)], whiteouts: &[&str], opaque: &[&str]) -> LayerIndex {
        let entry = |kind: &Kind| Entry { kind: kind.clone(), ..Entry::directory(0o755) };
        LayerIndex {
            entries: entries.iter().map(|(path, kind)| ((*path).to_owned(), entry(kind))).collect(),
            whiteouts: whiteouts.iter().map(|path| (*path).to_owned()).collect(),
            opaque: opaque.iter().map(|path| (*path).to_owned()).collect(),
            kept: entries
                .iter()
                .filter(|(_, kind)| matches!(kind, Kind::File(_)))
                .map(|(path, _)| ((*path).to_owned(), format!("content of {path}")))
                .collect(),
            ..LayerIndex::default()
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
    fn a_directory_that_replaces_a_link_hides_nothing_of_what_the_link_leads_to() {
        let bottom = layer(
            &[
                ("lib", Kind::Symlink("usr/lib".to_owned())),
                ("usr/lib/old", Kind::File(1)),
                ("opt", Kind::Symlink("usr".to_owned())),
            ],
            &[],
            &[],
        );
        let new = [("lib", Kind::Directory), ("lib/new", Kind::File(1)), ("opt", Kind::Directory)];
        for (whiteouts, opaque) in
            [(&["lib/old", "opt/lib/old"][..], &[][..]), (&[], &["lib", "opt/lib"])]
        {
            let root = RootFs::merge([&bottom, &layer(&new, whiteouts, opaque)]);
            assert_eq!(paths(&root), ["lib", "lib/new", "opt", "usr", "usr/lib", "usr/lib/old"]);
        }
    }

    #[test]
    fn a_deep_folder_costs_no_more_than_its_path() {
        let deep = |names: usize| {
            let path = vec!["d"; names].join("/");
            layer(&[(&format!("{path}/file"), Kind::File(1))], &[&format!("{path}/gone")], &[&path])
        };
        // In the time of the square of its depth this would take minutes.
        let layers: Vec<LayerIndex> = (0..100).map(|_| deep(2000)).collect();
        let root = RootFs::merge(&layers);
        assert_eq!(paths(&root).len(), 2001);
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
