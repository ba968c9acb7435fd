//! The index of one layer: its entries, its deletions and the contents that were captured.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};

use serde::{Deserialize, Serialize};
use tar::EntryType;

use super::capture::{CaptureRule, capture};
use super::names::{Names, normal};
use super::sparse::Sparse;
use crate::bounded_tar::BoundedTar;
use crate::layer::{Encoding, LayerReader, Stamp};
use crate::limits::{ENTRY_BYTES, INDEX_BYTES, KEPT_BYTES, LimitExceeded, PATH_BYTES};
use crate::pax::Records;
use crate::{Image, Layer, Meter, Result};

/// The most hard links on the way to a file.
const MAX_LINKS: usize = 40;

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
    /// Of a directory, its time and extended attributes.
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    pub stamp: Option<Box<Stamp>>,
}

impl Entry {
    /// A directory of root with these permission bits.
    pub fn directory(mode: u32) -> Self {
        Self { kind: Kind::Directory, mode, uid: 0, gid: 0, stamp: None }
    }
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
    /// How the layer is stored.
    pub encoding: Encoding,
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
    /// Reads a layer to its verified end: once, and once more if what is to be kept has its content under another
    /// name, as in deduplicated trees.
    ///
    /// # Errors
    /// [`crate::Error::LayerDamaged`] or a mismatch of digest, size or diff id.
    pub fn read(
        image: &Image,
        layer: &Layer,
        rule: &dyn Fn(&str) -> CaptureRule,
        meter: &dyn Meter,
    ) -> Result<Self> {
        let mut index = Self::read_once(image, layer, rule, meter)?;
        let linked = index.linked(rule);
        if !linked.is_empty() {
            let under_its_name = |path: &str| match linked.get(path) {
                Some(link) => rule(link),
                None => CaptureRule::Nothing,
            };
            index.kept.extend(Self::read_once(image, layer, &under_its_name, meter)?.kept);
        }
        Ok(index)
    }

    fn read_once(
        image: &Image,
        layer: &Layer,
        rule: &dyn Fn(&str) -> CaptureRule,
        meter: &dyn Meter,
    ) -> Result<Self> {
        let mut layer = LayerReader::open(image, layer)?;
        match Self::read_tar(&mut layer, rule, meter) {
            Ok(index) => {
                let encoding = layer.encoding();
                layer.finish().map(|()| Self { encoding, ..index })
            }
            Err(error) => Err(layer.damaged(error)),
        }
    }

    /// Returns the files whose content is to be kept because of a hard link's name, with that name.
    fn linked(&self, rule: &dyn Fn(&str) -> CaptureRule) -> BTreeMap<String, String> {
        let mut linked = BTreeMap::new();
        for (path, entry) in &self.entries {
            if let Kind::Hardlink(target) = &entry.kind
                && !matches!(rule(path), CaptureRule::Nothing)
                && let Some(file) = self.file_of(target)
                && !self.kept.contains_key(file)
                && matches!(rule(file), CaptureRule::Nothing)
            {
                linked.insert(file.to_owned(), path.clone());
            }
        }
        linked
    }

    /// Returns the path of the file that a hard link's target is: itself, or that of another link.
    pub(super) fn file_of<'a>(&'a self, target: &'a str) -> Option<&'a str> {
        let mut path = target;
        for _ in 0..MAX_LINKS {
            match &self.entries.get(path)?.kind {
                Kind::Hardlink(next) => path = next,
                Kind::File(_) => return Some(path),
                _ => return None,
            }
        }
        None
    }

    fn read_tar(
        tar: &mut dyn Read,
        rule: &dyn Fn(&str) -> CaptureRule,
        meter: &dyn Meter,
    ) -> io::Result<Self> {
        let mut index = Self::default();
        let tar = BoundedTar::new(tar);
        let all_records = tar.records();
        let mut archive = tar::Archive::new(tar);
        let mut budget = Budget::default();
        for entry in archive.entries()? {
            let mut entry = entry?;
            let records = all_records.take();
            meter.advance(entry.size() + 512);
            let Names { path, link } = Names::of(&records, &entry)?;
            budget.path(path.len())?;
            budget.path(link.len())?;
            let sparse = Sparse::of(&records, &mut entry)?;
            let size = sparse.as_ref().map_or(entry.size(), |sparse| sparse.size);
            let path = sparse.and_then(|sparse| sparse.path).unwrap_or(path);
            let Some(path) = normal(&path) else { continue };
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
            let kind = match entry.header().entry_type() {
                EntryType::Directory => Kind::Directory,
                EntryType::Symlink => Kind::Symlink(String::from_utf8_lossy(&link).into_owned()),
                EntryType::Link => match normal(&link) {
                    Some(target) => Kind::Hardlink(target),
                    None => continue,
                },
                EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
                    Kind::File(size)
                }
                EntryType::Char | EntryType::Block | EntryType::Fifo => Kind::Other,
                _ => continue,
            };
            if let Kind::File(size) = kind
                && let Some(text) = capture(&mut entry, size, &rule(&path))?
            {
                budget.keep(text.len())?;
                index.kept.insert(path.clone(), text);
            }
            let stamp = match kind {
                Kind::Directory => Some(Box::new(stamp(entry.header(), &records, &mut budget)?)),
                _ => None,
            };
            let header = entry.header();
            let found = Entry {
                kind,
                mode: header.mode()? & 0o7777,
                uid: header.uid().unwrap_or(0),
                gid: header.gid().unwrap_or(0),
                stamp,
            };
            index.entries.insert(path, found);
        }
        Ok(index)
    }
}

/// What an index takes in memory so far, in bytes.
#[derive(Default)]
struct Budget {
    paths: u64,
    kept: u64,
}

impl Budget {
    fn take(&mut self, bytes: usize) -> io::Result<()> {
        self.paths += bytes as u64;
        LimitExceeded::check("an index of paths", self.paths, INDEX_BYTES)
    }

    fn keep(&mut self, bytes: usize) -> io::Result<()> {
        self.kept += bytes as u64;
        LimitExceeded::check("texts to be kept", self.kept, KEPT_BYTES)
    }

    fn path(&mut self, bytes: usize) -> io::Result<()> {
        LimitExceeded::check("a path", bytes as u64, PATH_BYTES)?;
        self.take(bytes + ENTRY_BYTES / 2)
    }
}

/// Returns a directory's time and extended attributes.
fn stamp(header: &tar::Header, records: &Records, budget: &mut Budget) -> io::Result<Stamp> {
    let mut stamp = Stamp { mtime: header.mtime().unwrap_or(0), ..Stamp::default() };
    for (key, value) in records {
        let Some(key) = std::str::from_utf8(key).ok().filter(|key| Stamp::has(key)) else {
            continue;
        };
        budget.take(key.len() + value.len())?;
        stamp.records.insert(key.to_owned(), value.clone());
    }
    Ok(stamp)
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

    #[test]
    fn what_is_kept_of_contents_is_bounded() {
        let mut tar = tar::Builder::new(Vec::new());
        let content = vec![b'#'; 64 << 10];
        for number in 0..=KEPT_BYTES / content.len() as u64 {
            let mut header = tar::Header::new_gnu();
            header.set_mode(0o644);
            header.set_size(content.len() as u64);
            tar.append_data(&mut header, format!("{number}/os-release"), &content[..]).unwrap();
        }
        let tar = tar.into_inner().unwrap();
        let rule = |_: &str| CaptureRule::Whole(64 << 10);
        let error = LayerIndex::read_tar(&mut &tar[..], &rule, &Silent).unwrap_err();
        let expected = "texts to be kept of 16842752 bytes, where at most 16777216 are read";
        assert_eq!(error.to_string(), expected);
    }
}
