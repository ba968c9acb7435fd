//! Cache keys, written field by field.

use std::fmt::Display;

use mlpack_oci::Digest;
use mlpack_oci::layer::{Content, Node, Stamp};
use mlpack_oci::rootfs::{Entry, Kind};

/// The fields that decide something cached. Every field has a name and the length of its value, so
/// that different fields never give the same text.
pub(super) struct KeyWriter(String);

impl KeyWriter {
    /// Starts the key of a kind of thing.
    pub(super) fn new(kind: &str) -> Self {
        Self(format!("{kind}\n"))
    }

    pub(super) fn field(&mut self, name: &str, value: impl Display) -> &mut Self {
        let value = value.to_string();
        self.0.push_str(&format!("{name} {} {value}\n", value.len()));
        self
    }

    /// An entry of the base.
    pub(super) fn entry(&mut self, path: &str, entry: &Entry) {
        let Entry { kind, mode, uid, gid, stamp } = entry;
        self.field("path", path);
        match kind {
            Kind::Directory => self.field("kind", "directory"),
            Kind::File(size) => self.field("kind", "file").field("size", size),
            Kind::Symlink(target) => self.field("kind", "symlink").field("target", target),
            Kind::Hardlink(target) => self.field("kind", "hardlink").field("target", target),
            Kind::Other => self.field("kind", "other"),
        };
        self.field("mode", mode).field("uid", uid).field("gid", gid);
        self.stamp(stamp.as_deref());
    }

    fn stamp(&mut self, stamp: Option<&Stamp>) -> &mut Self {
        let Some(stamp) = stamp else { return self };
        self.field("mtime", stamp.mtime);
        for (key, value) in &stamp.records {
            self.field("record", key).field("value", Digest::of(value));
        }
        self
    }

    /// A node of a tree. The content of a file is a field of the caller's, unless it is in memory.
    pub(super) fn node(&mut self, path: &str, node: &Node) {
        self.field("path", path);
        match node {
            Node::Directory { open } => self.field("kind", "directory").field("open", open),
            Node::Inherited { mode, uid, gid, stamp } => {
                self.field("kind", "inherited").field("mode", mode);
                self.field("uid", uid).field("gid", gid).stamp(stamp.as_deref())
            }
            Node::Symlink { target } => self.field("kind", "symlink").field("target", target),
            Node::File { executable, size, content } => {
                self.field("kind", "file").field("executable", executable).field("size", size);
                match content {
                    Content::Bytes(bytes) => self.field("content", Digest::of(bytes)),
                    _ => self,
                }
            }
        };
    }

    pub(super) fn finish(&self) -> Digest {
        Digest::of(self.0.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_do_not_run_into_each_other() {
        let key = |fields: &[(&str, &str)]| {
            let mut key = KeyWriter::new("test");
            for (name, value) in fields {
                key.field(name, value);
            }
            key.finish()
        };
        assert_eq!(key(&[("a", "1"), ("b", "2")]), key(&[("a", "1"), ("b", "2")]));
        assert_ne!(key(&[("a", "1"), ("b", "2")]), key(&[("a", "1\nb 1 2")]));
        assert_ne!(key(&[("a", "12")]), key(&[("a", "1"), ("a", "2")]));
    }

    #[test]
    fn every_field_of_an_entry_counts() {
        let entry = Entry { kind: Kind::File(1), mode: 0o644, uid: 0, gid: 0, stamp: None };
        let key = |path: &str, entry: &Entry| {
            let mut key = KeyWriter::new("test");
            key.entry(path, entry);
            key.finish()
        };
        let others = [
            Entry { kind: Kind::File(2), ..entry.clone() },
            Entry { kind: Kind::Directory, ..entry.clone() },
            Entry { mode: 0o755, ..entry.clone() },
            Entry { uid: 1, ..entry.clone() },
            Entry { gid: 1, ..entry.clone() },
        ];
        for other in &others {
            assert_ne!(key("a", &entry), key("a", other), "{other:?}");
        }
        assert_ne!(key("a", &entry), key("b", &entry));
    }
}
