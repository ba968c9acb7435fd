//! Finds the shared libraries of a program as the dynamic loader does (ld.so(8)).
//!
//! Reads ELF headers only; nothing is run, as `ldd` would.

use std::collections::{BTreeMap, VecDeque};
use std::fs::{self, File};
use std::io::Read as _;

use mlpack_elf::{Elf, Machine};

use crate::rooted::Root;

/// The largest configuration file that is read, in bytes.
const CONFIGURATION: u64 = 64 << 10;
/// Maximum depth of includes in configuration files.
const MAX_DEPTH: usize = 8;

/// Libraries: name in `DT_NEEDED` to path.
pub(crate) type Found = BTreeMap<String, String>;

/// A library that was not found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Missing {
    pub(crate) library: String,
    pub(crate) needed_by: String,
}

/// The libraries of one process. As in a real process, a loaded name is not searched again.
#[derive(Debug)]
pub(crate) struct Libraries<'a> {
    root: &'a Root,
    machine: Machine,
    system: Vec<String>,
    pub(crate) loaded: Found,
}

impl<'a> Libraries<'a> {
    /// Returns an empty process. `architecture` is the processor's name in folder names: `x86_64`.
    pub(crate) fn new(root: &'a Root, machine: Machine, architecture: &str) -> Self {
        let mut system = Vec::new();
        configured(root, "etc/ld.so.conf", 0, &mut system);
        for dir in ["lib", "usr/lib"] {
            system.push(format!("{dir}/{architecture}-linux-gnu"));
        }
        system.extend(["lib64", "usr/lib64", "lib", "usr/lib"].map(str::to_owned));
        Self { root, machine, system, loaded: Found::new() }
    }

    /// Loads all libraries of the program or library at `path`, or none if one is missing.
    pub(crate) fn need(&mut self, path: &str) -> Result<(), Missing> {
        let before = self.loaded.clone();
        self.follow(path).inspect_err(|_| self.loaded = before)
    }

    /// Loads a system library by name, with all that it needs.
    pub(crate) fn need_named(&mut self, library: &str) -> Result<(), Missing> {
        if self.loaded.contains_key(library) {
            return Ok(());
        }
        let Some(path) = self.find(library, &[]) else {
            let needed_by = "a base image".to_owned();
            return Err(Missing { library: library.to_owned(), needed_by });
        };
        self.need(&path)?;
        self.loaded.insert(library.to_owned(), path);
        Ok(())
    }

    fn follow(&mut self, path: &str) -> Result<(), Missing> {
        // Breadth first, as the loader does; each with the DT_RPATHs of those that led to it.
        let mut todo = VecDeque::from([(path.to_owned(), Vec::new())]);
        while let Some((path, inherited)) = todo.pop_front() {
            let Some(binary) = self.read(&path).and_then(|elf| elf.dynamic) else { continue };
            let mut rpath = self.expand(&binary.rpath, &path);
            rpath.extend(inherited);
            let first = if binary.runpath.is_empty() {
                rpath.clone()
            } else {
                self.expand(&binary.runpath, &path)
            };
            for library in binary.needed {
                if self.loaded.contains_key(&library) {
                    continue;
                }
                let Some(found) = self.find(&library, &first) else {
                    return Err(Missing { library, needed_by: format!("/{path}") });
                };
                self.loaded.insert(library, found.clone());
                todo.push_back((found, rpath.clone()));
            }
        }
        Ok(())
    }

    /// Returns the first file of that name for this processor; a name with a slash is a path.
    fn find(&self, library: &str, first: &[String]) -> Option<String> {
        if library.contains('/') {
            let path = library.strip_prefix('/')?;
            return self.is_loadable(path).then(|| path.to_owned());
        }
        first
            .iter()
            .chain(&self.system)
            .map(|dir| format!("{dir}/{library}"))
            .find(|path| self.is_loadable(path))
    }

    fn is_loadable(&self, path: &str) -> bool {
        self.root.file(path).is_some()
            && self.read(path).is_some_and(|found| found.machine == self.machine)
    }

    fn read(&self, path: &str) -> Option<Elf> {
        let real = self.root.resolve(path).map_or_else(|_| path.to_owned(), |found| found.real);
        Elf::read_file(&self.root.host(&real)).ok()?
    }

    /// Expands the folders of a run path. Ignores relative ones and variables other than `$ORIGIN`.
    fn expand(&self, dirs: &[String], path: &str) -> Vec<String> {
        let origin = format!("/{}", path.rsplit_once('/').map_or("", |(dir, _)| dir));
        dirs.iter()
            .map(|dir| dir.replace("${ORIGIN}", &origin).replace("$ORIGIN", &origin))
            .filter(|dir| !dir.contains('$'))
            .filter_map(|dir| Some(dir.strip_prefix('/')?.to_owned()))
            .collect()
    }
}

/// Appends the folders of ld.so.conf and of its included files, in order.
fn configured(root: &Root, path: &str, depth: usize, dirs: &mut Vec<String>) {
    let Some(found) = root.file(path).filter(|_| depth < MAX_DEPTH) else { return };
    let mut text = String::new();
    let read = File::open(root.host(&found.real))
        .and_then(|file| file.take(CONFIGURATION).read_to_string(&mut text));
    if read.is_err() {
        return;
    }
    for line in text.lines() {
        let line = line.split('#').next().unwrap_or("").trim();
        if let Some(pattern) =
            line.strip_prefix("include").filter(|rest| rest.starts_with([' ', '\t']))
        {
            let pattern = pattern.trim();
            let pattern =
                pattern.strip_prefix('/').map_or_else(|| format!("etc/{pattern}"), str::to_owned);
            for path in matching(root, &pattern) {
                configured(root, &path, depth + 1, dirs);
            }
        } else {
            dirs.extend(
                line.split([' ', '\t', ',', ':'])
                    .filter_map(|dir| dir.strip_prefix('/'))
                    .map(str::to_owned),
            );
        }
    }
}

/// Returns the files of a pattern whose last name may have one `*`, sorted.
fn matching(root: &Root, pattern: &str) -> Vec<String> {
    let Some((dir, name)) = pattern.rsplit_once('/') else { return Vec::new() };
    let Some((start, end)) = name.split_once('*') else { return vec![pattern.to_owned()] };
    let Some(folder) =
        root.resolve(dir).ok().and_then(|found| fs::read_dir(root.host(&found.real)).ok())
    else {
        return Vec::new();
    };
    let mut paths: Vec<_> = folder
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| {
            name.len() >= start.len() + end.len() && name.starts_with(start) && name.ends_with(end)
        })
        .map(|name| format!("{dir}/{name}"))
        .collect();
    paths.sort();
    paths
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn folders_come_from_ld_so_conf_in_order() {
        let dir = tempfile::tempdir().unwrap();
        let etc = dir.path().join("etc");
        fs::create_dir_all(etc.join("ld.so.conf.d")).unwrap();
        fs::write(etc.join("ld.so.conf"), "/first # why\ninclude ld.so.conf.d/*.conf\n/last")
            .unwrap();
        fs::write(etc.join("ld.so.conf.d/b.conf"), "/b1:/b2\n").unwrap();
        fs::write(
            etc.join("ld.so.conf.d/a.conf"),
            "# none\n/a, relative\ninclude /etc/ld.so.conf\n",
        )
        .unwrap();
        fs::write(etc.join("ld.so.conf.d/c.txt"), "/c\n").unwrap();
        let root = Root::new(dir.path());
        let mut dirs = Vec::new();
        configured(&root, "etc/ld.so.conf.d/b.conf", 0, &mut dirs);
        assert_eq!(dirs, ["b1", "b2"]);
        dirs.clear();
        // A cycle of includes ends at the depth limit; repeated folders do no harm.
        configured(&root, "etc/ld.so.conf", 0, &mut dirs);
        assert_eq!(dirs[..3], ["first", "a", "first"]);
        dirs.dedup();
        assert_eq!(dirs.last().unwrap(), "last");
    }

    #[test]
    fn the_libraries_of_this_test_are_found_and_those_of_nowhere_named() {
        let root = Root::new(Path::new("/"));
        let exe = fs::read_link("/proc/self/exe").unwrap();
        let exe = exe.to_str().unwrap().trim_start_matches('/');
        let machine = Elf::read_file(&root.host(exe)).unwrap().unwrap().machine;
        let mut libraries = Libraries::new(&root, machine, std::env::consts::ARCH);
        libraries.need(exe).unwrap();
        assert!(libraries.loaded["libc.so.6"].ends_with("/libc.so.6"), "{:?}", libraries.loaded);
        let missing = libraries.need_named("libnone.so.1").unwrap_err();
        assert_eq!(missing.library, "libnone.so.1");

        // The same program in a root that has nothing else.
        let dir = tempfile::tempdir().unwrap();
        fs::copy("/proc/self/exe", dir.path().join("program")).unwrap();
        let root = Root::new(dir.path());
        let mut libraries = Libraries::new(&root, machine, std::env::consts::ARCH);
        assert_eq!(libraries.need("program").unwrap_err().needed_by, "/program");
        assert_eq!(libraries.loaded, Found::new());
    }

    #[test]
    fn origin_is_the_folder_of_the_file() {
        let root = Root::new(Path::new("/"));
        let libraries = Libraries::new(&root, Machine::Other(0), "none");
        let dirs = ["$ORIGIN/../lib", "${ORIGIN}", "/abs", "$LIB/x", "rel"].map(str::to_owned);
        assert_eq!(libraries.expand(&dirs, "opt/bin/python"), ["opt/bin/../lib", "opt/bin", "abs"]);
    }
}
