//! Resolving paths below a root as a process in that root does, and adding files with their symlinks
//! to a layer.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use mlpack_oci::layer::Tree;

use crate::{Error, Result};

/// Number of symlinks that Linux follows in one path (path_resolution(7)).
const MAX_LINKS: usize = 40;

/// A folder that is treated as `/`. Paths in it have no leading slash.
#[derive(Debug, Clone)]
pub(crate) struct Root {
    dir: PathBuf,
}

/// The result of resolving a path.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Resolved {
    /// The path without symlinks.
    pub(crate) real: String,
    /// The symlinks that were followed, each with its target as written.
    pub(crate) links: Vec<(String, String)>,
}

impl Root {
    pub(crate) fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned() }
    }

    /// Returns the path outside of the root.
    pub(crate) fn host(&self, real: &str) -> PathBuf {
        self.dir.join(real)
    }

    /// Follows every symlink, including the last one.
    ///
    /// # Errors
    /// The system's, mostly `NotFound`.
    pub(crate) fn resolve(&self, path: &str) -> io::Result<Resolved> {
        let mut todo: Vec<String> = path.rsplit('/').map(str::to_owned).collect();
        let (mut real, mut links) = (Vec::new(), Vec::new());
        while let Some(name) = todo.pop() {
            match name.as_str() {
                "" | "." => continue,
                ".." => {
                    real.pop();
                    continue;
                }
                _ => real.push(name),
            }
            let at = real.join("/");
            let host = self.host(&at);
            if !host.symlink_metadata()?.is_symlink() {
                continue;
            }
            if links.len() == MAX_LINKS {
                return Err(io::Error::other("too many symbolic links"));
            }
            let target = fs::read_link(&host)?
                .into_os_string()
                .into_string()
                .map_err(|_| io::Error::other("a symbolic link is not UTF-8"))?;
            real.pop();
            if target.starts_with('/') {
                real.clear();
            }
            todo.extend(target.rsplit('/').map(str::to_owned));
            links.push((at, target));
        }
        Ok(Resolved { real: real.join("/"), links })
    }

    /// Resolves a path if it is a regular file.
    pub(crate) fn file(&self, path: &str) -> Option<Resolved> {
        self.resolve(path).ok().filter(|found| self.host(&found.real).is_file())
    }
}

/// Fills the tree of a layer. Entries that the layer below has are not added again.
#[derive(Debug)]
pub(crate) struct Carrier<'a> {
    pub(crate) root: &'a Root,
    below: Option<&'a Tree>,
    pub(crate) tree: Tree,
}

impl<'a> Carrier<'a> {
    pub(crate) fn new(root: &'a Root, below: Option<&'a Tree>) -> Self {
        Self { root, below, tree: Tree::new() }
    }

    /// Returns whether this layer or the one below has an entry there.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.tree.get(path).is_some() || self.below.is_some_and(|tree| tree.get(path).is_some())
    }

    /// Adds a file with every symlink that leads to it, each at its own path.
    ///
    /// # Errors
    /// The system's.
    pub(crate) fn carry(&mut self, path: &str) -> Result<()> {
        let host = self.root.host(path.trim_start_matches('/'));
        let found = self.root.resolve(path).map_err(Error::io("read", &host))?;
        self.links(&found.links)?;
        if !self.has(&found.real) {
            self.tree.add_file(&found.real, &self.root.host(&found.real))?;
        }
        Ok(())
    }

    /// Adds symlinks as they were found.
    pub(crate) fn links(&mut self, links: &[(String, String)]) -> Result<()> {
        for (path, target) in links {
            if !self.has(path) {
                self.tree.add_symlink(path, target.clone())?;
            }
        }
        Ok(())
    }
}

/// Converts an absolute path to a path in a root.
pub(crate) fn inside(path: &Path) -> Result<String> {
    let text = path.to_str().map(|text| text.trim_start_matches('/').to_owned());
    text.ok_or_else(|| Error::io("use", path)(io::Error::other("the path is not UTF-8")))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_file_is_added_with_its_symlinks() {
        let dir = tempfile::tempdir().unwrap();
        let at = |path: &str| dir.path().join(path);
        fs::create_dir_all(at("usr/lib/triplet")).unwrap();
        fs::create_dir_all(at("usr/lib64")).unwrap();
        fs::write(at("usr/lib/triplet/ld-2.31.so"), "loader").unwrap();
        symlink("usr/lib64", at("lib64")).unwrap();
        symlink("usr/lib", at("lib")).unwrap();
        symlink("/lib/triplet/ld-2.31.so", at("usr/lib64/ld.so.2")).unwrap();
        symlink("../loop", at("usr/loop")).unwrap();
        symlink("usr/loop", at("loop")).unwrap();

        let root = Root::new(dir.path());
        let mut carrier = Carrier::new(&root, None);
        carrier.carry("/lib64/ld.so.2").unwrap();
        carrier.carry("usr/lib64/../lib/triplet/ld-2.31.so").unwrap();
        assert_eq!(
            carrier.tree.iter().map(|(path, node)| format!("{path} {node:?}")).collect::<Vec<_>>(),
            [
                "lib Symlink { target: \"usr/lib\" }".to_owned(),
                "lib64 Symlink { target: \"usr/lib64\" }".to_owned(),
                "usr Directory { open: false }".to_owned(),
                "usr/lib Directory { open: false }".to_owned(),
                "usr/lib/triplet Directory { open: false }".to_owned(),
                format!(
                    "usr/lib/triplet/ld-2.31.so File {{ executable: false, size: 6, content: {} }}",
                    at("usr/lib/triplet/ld-2.31.so").display()
                ),
                "usr/lib64 Directory { open: false }".to_owned(),
                "usr/lib64/ld.so.2 Symlink { target: \"/lib/triplet/ld-2.31.so\" }".to_owned(),
            ]
        );
        assert_eq!(root.resolve("loop").unwrap_err().to_string(), "too many symbolic links");
        assert_eq!(root.resolve("lib/none").unwrap_err().kind(), io::ErrorKind::NotFound);

        let mut above = Carrier::new(&root, Some(&carrier.tree));
        above.carry("lib64/ld.so.2").unwrap();
        assert!(above.tree.is_empty());
    }
}
