//! The index of one layer: its entries, its deletions and the contents that were captured.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};

use serde::{Deserialize, Serialize};
use tar::EntryType;

use crate::bounded_tar::BoundedTar;
use crate::layer::LayerReader;
use crate::limits::{ENTRY_BYTES, INDEX_BYTES, LimitExceeded, PATH_BYTES};
use crate::{Meter, Result};

/// What to keep of a file's content while a layer is read.
pub enum CaptureRule {
    /// Nothing.
    Nothing,
    /// All of it, if it is at most so many bytes long.
    Whole(u64),
    /// The first text that the function finds in a window of the content; windows overlap by
    /// 512 bytes.
    Find(Finder),
}

/// Finds a text in a window of a file's content.
pub type Finder = Box<dyn Fn(&[u8]) -> Option<String>>;

/// By how many bytes the windows of [`CaptureRule::Find`] overlap.
const OVERLAP: usize = 512;

/// One entry of a layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// What it is.
    #[serde(rename = "k")]
    pub kind: Kind,
    /// Permission bits with sticky, set-user and set-group bits.
    #[serde(rename = "m")]
    pub mode: u32,
    /// Numeric owner.
    #[serde(rename = "u", default, skip_serializing_if = "is_zero")]
    pub uid: u64,
    /// Numeric group.
    #[serde(rename = "g", default, skip_serializing_if = "is_zero")]
    pub gid: u64,
}

fn is_zero(n: &u64) -> bool {
    *n == 0
}

/// The kind of an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// A directory.
    #[serde(rename = "d")]
    Directory,
    /// A regular file of so many bytes.
    #[serde(rename = "f")]
    File(u64),
    /// A symbolic link and its target.
    #[serde(rename = "l")]
    Symlink(String),
    /// A hard link to another path of the same layer.
    #[serde(rename = "h")]
    Hardlink(String),
    /// A device, FIFO or socket.
    #[serde(rename = "o")]
    Other,
}

/// The index of one layer. Paths are relative to the root, without `./`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerIndex {
    /// Entries by path; the later of two wins, as when a runtime unpacks them.
    pub entries: BTreeMap<String, Entry>,
    /// Paths of lower layers that this one deletes (layer.md, "Whiteouts").
    pub whiteouts: BTreeSet<String>,
    /// Directories whose content in lower layers is hidden (layer.md, "Opaque Whiteout").
    pub opaque: BTreeSet<String>,
    /// Kept contents by path.
    pub kept: BTreeMap<String, String>,
}

impl LayerIndex {
    /// Reads a layer once, to its verified end.
    ///
    /// # Errors
    /// [`crate::Error::LayerDamaged`] or a mismatch of digest, size or diff id.
    pub fn read(
        mut layer: LayerReader,
        rule: &dyn Fn(&str) -> CaptureRule,
        meter: &dyn Meter,
    ) -> Result<Self> {
        match Self::read_tar(&mut layer, rule, meter) {
            Ok(index) => layer.finish().map(|()| index),
            Err(error) => Err(layer.damaged(error)),
        }
    }

    fn read_tar(
        tar: &mut dyn Read,
        rule: &dyn Fn(&str) -> CaptureRule,
        meter: &dyn Meter,
    ) -> io::Result<Self> {
        let mut index = Self::default();
        let mut archive = tar::Archive::new(BoundedTar::new(tar));
        let mut budget = Budget::default();
        for entry in archive.entries()? {
            let mut entry = entry?;
            let link_bytes = entry.link_name_bytes().map_or(0, |link| link.len());
            budget.path(entry.path_bytes().len())?;
            budget.path(link_bytes)?;
            let Some(path) = normal(&entry.path_bytes()) else { continue };
            meter.advance(entry.size() + 512);
            let (dir, name) = path.rsplit_once('/').unwrap_or(("", &path));
            if name == ".wh..wh..opq" {
                index.opaque.insert(dir.to_owned());
                continue;
            }
            if let Some(deleted) = name.strip_prefix(".wh.") {
                if !deleted.is_empty() && !deleted.starts_with(".wh.") {
                    let sep = if dir.is_empty() { "" } else { "/" };
                    index.whiteouts.insert(format!("{dir}{sep}{deleted}"));
                }
                continue;
            }
            let link = |entry: &tar::Entry<'_, _>| {
                entry
                    .link_name_bytes()
                    .map(|link| String::from_utf8_lossy(&link).into_owned())
                    .unwrap_or_default()
            };
            let kind = match entry.header().entry_type() {
                EntryType::Directory => Kind::Directory,
                EntryType::Symlink => Kind::Symlink(link(&entry)),
                EntryType::Link => match normal(link(&entry).as_bytes()) {
                    Some(target) => Kind::Hardlink(target),
                    None => continue,
                },
                EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
                    Kind::File(entry.size())
                }
                EntryType::Char | EntryType::Block | EntryType::Fifo => Kind::Other,
                _ => continue,
            };
            if let Kind::File(size) = kind
                && let Some(text) = capture(&mut entry, size, &rule(&path))?
            {
                budget.take(text.len())?;
                index.kept.insert(path.clone(), text);
            }
            let header = entry.header();
            let found = Entry {
                kind,
                mode: header.mode()? & 0o7777,
                uid: header.uid().unwrap_or(0),
                gid: header.gid().unwrap_or(0),
            };
            index.entries.insert(path, found);
        }
        Ok(index)
    }
}

/// What an index takes in memory so far, in bytes.
#[derive(Default)]
struct Budget(u64);

impl Budget {
    fn take(&mut self, bytes: usize) -> io::Result<()> {
        self.0 += bytes as u64;
        LimitExceeded::check("an index of paths", self.0, INDEX_BYTES)
    }

    fn path(&mut self, bytes: usize) -> io::Result<()> {
        LimitExceeded::check("a path", bytes as u64, PATH_BYTES)?;
        self.take(bytes + ENTRY_BYTES / 2)
    }
}

fn capture(content: &mut impl Read, size: u64, rule: &CaptureRule) -> io::Result<Option<String>> {
    match rule {
        CaptureRule::Whole(limit) if size <= *limit => {
            let mut bytes = Vec::new();
            content.read_to_end(&mut bytes)?;
            Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
        }
        CaptureRule::Find(find) => {
            let mut window = Vec::new();
            loop {
                let n = content.by_ref().take(256 << 10).read_to_end(&mut window)?;
                if let Some(text) = find(&window) {
                    return Ok(Some(text));
                }
                if n == 0 {
                    return Ok(None);
                }
                window.drain(..window.len().saturating_sub(OVERLAP));
            }
        }
        _ => Ok(None),
    }
}

/// Normalises `./a//b/` to `a/b`. Returns `None` for a path with `..`, which runtimes refuse too.
pub(super) fn normal(path: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(path);
    let mut names = Vec::new();
    for name in text.split('/') {
        match name {
            "" | "." => {}
            ".." => return None,
            name => names.push(name),
        }
    }
    (!names.is_empty()).then(|| names.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Silent;

    #[test]
    fn an_index_holds_entries_deletions_and_captured_contents() {
        let mut tar = tar::Builder::new(Vec::new());
        let mut add = |path: &str, kind: EntryType, link: &str, content: &[u8]| {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(kind);
            header.set_mode(0o755);
            header.set_size(content.len() as u64);
            if link.is_empty() {
                tar.append_data(&mut header, path, content).unwrap();
            } else {
                tar.append_link(&mut header, path, link).unwrap();
            }
        };
        add("./etc/", EntryType::Directory, "", b"");
        add("./etc/os-release", EntryType::Symlink, "../usr/lib/os-release", b"");
        add("usr/lib/os-release", EntryType::Regular, "", b"ID=ubuntu");
        add("usr/lib/copy", EntryType::Link, "usr/lib/os-release", b"");
        add("var/.wh.cache", EntryType::Regular, "", b"");
        add("opt/.wh..wh..opq", EntryType::Regular, "", b"");
        let long = [vec![b'x'; 300 << 10], b"MARK 2.36 END".to_vec()].concat();
        add("lib/libc.so.6", EntryType::Regular, "", &long);
        let tar = tar.into_inner().unwrap();
        let rule = |path: &str| match path {
            "usr/lib/os-release" => CaptureRule::Whole(100),
            "lib/libc.so.6" => CaptureRule::Find(Box::new(|window| {
                let text = String::from_utf8_lossy(window);
                text.find("MARK ").map(|at| text[at + 5..at + 9].to_owned())
            })),
            _ => CaptureRule::Nothing,
        };
        let index = LayerIndex::read_tar(&mut &tar[..], &rule, &Silent).unwrap();
        assert_eq!(
            index.entries.keys().collect::<Vec<_>>(),
            ["etc", "etc/os-release", "lib/libc.so.6", "usr/lib/copy", "usr/lib/os-release"]
        );
        assert_eq!(
            index.entries["usr/lib/copy"].kind,
            Kind::Hardlink("usr/lib/os-release".to_owned())
        );
        assert_eq!(index.whiteouts.into_iter().collect::<Vec<_>>(), ["var/cache"]);
        assert_eq!(index.opaque.into_iter().collect::<Vec<_>>(), ["opt"]);
        assert_eq!(index.kept["usr/lib/os-release"], "ID=ubuntu");
        assert_eq!(index.kept["lib/libc.so.6"], "2.36");
    }
}
