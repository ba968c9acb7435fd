//! The members of an archive, found once by their headers; their bytes are read where they are.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::expanded::expanded;
use crate::bounded_tar::BoundedTar;
use crate::store::open_regular;
use crate::{Error, MAX_MANIFEST_SIZE, Result};

/// Where a member's bytes are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Member {
    /// In bytes from the beginning of the tar.
    offset: u64,
    /// In bytes.
    pub(super) size: u64,
}

impl Member {
    /// Returns what follows the first `skipped` bytes.
    pub(super) fn from(self, skipped: u64) -> Self {
        let skipped = skipped.min(self.size);
        Self { offset: self.offset + skipped, size: self.size - skipped }
    }
}

/// The members of a tar file by name.
pub(super) struct Members {
    /// The archive's path, for messages.
    pub(super) file: PathBuf,
    pub(super) place: String,
    tar: Arc<File>,
    /// Links are resolved.
    found: HashMap<String, Member>,
    /// Links that lead nowhere, and where they lead.
    dangling: BTreeMap<String, String>,
}

impl Members {
    /// Finds the members of an archive; `scratch` is where a compressed one is decompressed.
    ///
    /// # Errors
    /// [`Error::Document`] if it is no tar, or the system's.
    pub(super) fn find(kind: &str, file: &Path, scratch: &Path) -> Result<Self> {
        let place = format!("{kind}:{}", file.display());
        let open = open_regular(file).map_err(Error::io("read", file))?;
        let bad = |error: io::Error| Error::Document {
            what: "archive",
            place: place.clone(),
            reason: error.to_string(),
        };
        let tar = Arc::new(expanded(open, scratch).map_err(bad)?);
        let (mut found, mut links) = (HashMap::new(), Vec::new());
        let reader = tar.try_clone().map_err(Error::io("read", file))?;
        let mut archive = tar::Archive::new(BoundedTar::new(BufReader::new(reader)));
        for entry in archive.entries_with_seek().map_err(bad)? {
            let entry = entry.map_err(bad)?;
            let name = normal(&String::from_utf8_lossy(&entry.path_bytes()));
            if entry.header().entry_type().is_file() {
                let member = Member { offset: entry.raw_file_position(), size: entry.size() };
                found.insert(name, member);
            } else if let Some(target) = entry.link_name_bytes() {
                let target = String::from_utf8_lossy(&target).into_owned();
                let is_hard = entry.header().entry_type().is_hard_link();
                let target = if is_hard { normal(&target) } else { beside(&name, &target) };
                links.push((name, target));
            }
        }
        let mut dangling = BTreeMap::new();
        for (name, target) in links {
            match found.get(&target) {
                Some(&member) => drop(found.insert(name, member)),
                None => drop(dangling.insert(name, target)),
            }
        }
        Ok(Self { file: file.to_owned(), place, tar, found, dangling })
    }

    /// Returns a member, or what is wrong with it.
    pub(super) fn get(&self, name: &str) -> Result<Member, String> {
        self.found.get(name).copied().ok_or_else(|| match self.dangling.get(name) {
            Some(target) => {
                format!("`{name}` is a link to `{target}`, which is not in the archive")
            }
            None => format!("`{name}` is missing in the archive"),
        })
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, Member)> {
        self.found.iter().map(|(name, member)| (name.as_str(), *member))
    }

    /// Reads a small member.
    ///
    /// # Errors
    /// [`Error::Document`] if it is missing, [`Error::DocumentTooLarge`], or the system's.
    pub(super) fn document(&self, name: &str, what: &'static str) -> Result<Vec<u8>> {
        let member = self.get(name).map_err(|reason| Error::Document {
            what,
            place: self.place.clone(),
            reason,
        })?;
        if member.size > MAX_MANIFEST_SIZE {
            let (place, size, limit) = (self.place.clone(), member.size, MAX_MANIFEST_SIZE);
            return Err(Error::DocumentTooLarge { what, place, size, limit });
        }
        let mut bytes = Vec::new();
        self.open(member).read_to_end(&mut bytes).map_err(Error::io("read", &self.file))?;
        Ok(bytes)
    }

    /// Opens a member's bytes.
    pub(super) fn open(&self, member: Member) -> impl Read + Send + use<> {
        Bytes { tar: Arc::clone(&self.tar), member }
    }
}

/// Reads a member without moving the offset that all readers of the file share.
struct Bytes {
    tar: Arc<File>,
    member: Member,
}

impl Read for Bytes {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.member.size).map_or(buf.len(), |size| size.min(buf.len()));
        let n = self.tar.read_at(&mut buf[..most], self.member.offset)?;
        self.member = self.member.from(n as u64);
        Ok(n)
    }
}

/// Returns a member's name without a leading `./`.
pub(super) fn normal(name: &str) -> String {
    name.trim_start_matches("./").trim_start_matches('/').to_owned()
}

/// Resolves a link target relative to the folder of its link.
fn beside(name: &str, target: &str) -> String {
    let mut parts: Vec<&str> = name.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "." | "" => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}
