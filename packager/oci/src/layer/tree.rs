//! The content of a layer before it is written: paths, modes and the source of each file's bytes.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::unchanged::Unchanged;
use crate::{Error, Result};

/// Opens a file's bytes. Called once, when the layer is written.
pub type Opener = Arc<dyn Fn() -> io::Result<Box<dyn Read + Send>> + Send + Sync>;

/// Where the bytes of a file come from.
#[derive(Clone)]
pub enum Content {
    /// Bytes in memory.
    Bytes(Arc<[u8]>),
    /// A file of this machine.
    File(PathBuf),
    /// A stream, such as a member of an archive.
    Stream(Opener),
    /// A stream whose bytes are deflated in a file, such as a member of a wheel.
    Deflated(Deflated),
}

/// Bytes that are deflated (RFC 1951) in a file, so that a gzip layer can copy them.
#[derive(Clone)]
pub struct Deflated {
    /// Opens the decompressed and verified bytes.
    pub open: Opener,
    /// The file.
    pub file: Arc<Path>,
    /// Offset of the stream in the file, in bytes.
    pub offset: u64,
    /// Length of the stream, in bytes.
    pub length: u64,
    /// CRC-32 of the decompressed bytes, as in zip and gzip.
    pub crc32: u32,
}

impl Content {
    /// Opens the bytes.
    ///
    /// # Errors
    /// The system's or the stream's.
    pub fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        match self {
            Self::Bytes(bytes) => Ok(Box::new(io::Cursor::new(Arc::clone(bytes)))),
            Self::File(path) => Ok(Box::new(Unchanged::open(path)?)),
            Self::Stream(open) => open(),
            Self::Deflated(deflated) => (deflated.open)(),
        }
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => write!(f, "{} bytes", bytes.len()),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Stream(_) | Self::Deflated(_) => f.write_str("stream"),
        }
    }
}

/// One entry of a layer. Owner is always 0:0 and modes are normalised (docs/pitfalls.md#8): a file is 0644,
/// or 0755 if anyone may run it; a directory is 0755, or 1777 for a temporary one.
#[derive(Debug, Clone)]
pub enum Node {
    /// A directory; `open` makes it world-writable with the sticky bit, like `/tmp`.
    Directory {
        /// Whether it is mode 1777 instead of 0755.
        open: bool,
    },
    /// A directory of the base image repeated with its attributes, so that this layer neither
    /// replaces them nor leaves them to the runtime (docs/pitfalls.md#3).
    Inherited {
        /// Permission bits with the sticky, set-user and set-group bits.
        mode: u32,
        /// Numeric owner.
        uid: u64,
        /// Numeric group.
        gid: u64,
        /// Its time and extended attributes, if the base states them.
        stamp: Option<Box<Stamp>>,
    },
    /// A regular file of exactly `size` bytes.
    File {
        /// Whether it is mode 0755 instead of 0644.
        executable: bool,
        /// In bytes; the writer fails if the content is shorter or longer.
        size: u64,
        /// Where the bytes are.
        content: Content,
    },
    /// A symbolic link.
    Symlink {
        /// As written into the link; relative or absolute in the image.
        target: String,
    },
}

/// What a tar says of a directory besides its mode and owner.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// When it was changed last, in seconds since 1970.
    #[serde(rename = "t")]
    pub mtime: u64,
    /// Its pax records that are repeated: the time in parts of a second (`mtime`) and extended attributes
    /// (`SCHILY.xattr.NAME`), which hold access control lists too.
    #[serde(rename = "r", default, skip_serializing_if = "BTreeMap::is_empty")]
    pub records: BTreeMap<String, Vec<u8>>,
}

impl Stamp {
    /// Returns whether a pax record is one of [`Stamp::records`].
    pub fn has(key: &str) -> bool {
        key == "mtime" || key.starts_with("SCHILY.xattr.")
    }
}

impl Node {
    /// Returns whether it is a directory, new or inherited.
    pub fn is_directory(&self) -> bool {
        matches!(self, Self::Directory { .. } | Self::Inherited { .. })
    }
}

/// The paths of one layer, sorted, each once. Paths are relative to the image's root, with `/`
/// between names and neither a leading nor a trailing one.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    nodes: BTreeMap<String, Node>,
}

impl Tree {
    /// An empty tree.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a file of bytes in memory.
    ///
    /// # Errors
    /// As [`Tree::insert`].
    pub fn add_bytes(
        &mut self,
        path: &str,
        bytes: impl Into<Arc<[u8]>>,
        executable: bool,
    ) -> Result<()> {
        let bytes = bytes.into();
        let size = bytes.len() as u64;
        self.insert(path, Node::File { executable, size, content: Content::Bytes(bytes) })
    }

    /// Adds a file of this machine, following a symlink at `source` itself.
    ///
    /// # Errors
    /// As [`Tree::insert`], or the system's.
    pub fn add_file(&mut self, path: &str, source: &Path) -> Result<()> {
        use std::os::unix::fs::PermissionsExt as _;
        let meta = source.metadata().map_err(Error::io("read", source))?;
        self.insert(
            path,
            Node::File {
                executable: meta.permissions().mode() & 0o111 != 0,
                size: meta.len(),
                content: Content::File(source.to_owned()),
            },
        )
    }

    /// Adds a symbolic link.
    ///
    /// # Errors
    /// As [`Tree::insert`].
    pub fn add_symlink(&mut self, path: &str, target: impl Into<String>) -> Result<()> {
        self.insert(path, Node::Symlink { target: target.into() })
    }

    /// Adds one entry and, if missing, its parents as plain directories.
    ///
    /// # Errors
    /// [`Error::LayerPath`] for a path that is empty, absolute, contains `..`, has a name that begins
    /// with the whiteout prefix `.wh.` (layer.md, "Whiteouts"), exists already, or is below something
    /// that is not a directory. Directories at one path are merged; the attributes of the base win.
    pub fn insert(&mut self, path: &str, node: Node) -> Result<()> {
        let refuse = |reason: &str| {
            Err(Error::LayerPath { path: path.to_owned(), reason: reason.to_owned() })
        };
        for name in path.split('/') {
            match name {
                "" => return refuse("a path must be relative and without empty names"),
                "." | ".." => return refuse("a path must not contain `.` or `..`"),
                _ if name.starts_with(".wh.") => {
                    return refuse("names that begin with `.wh.` are deletions in a layer");
                }
                _ if name.contains('\0') => return refuse("a name must not contain a NUL byte"),
                _ => {}
            }
        }
        for (end, _) in path.match_indices('/') {
            match self.nodes.entry(path[..end].to_owned()) {
                Entry::Vacant(entry) => {
                    entry.insert(Node::Directory { open: false });
                }
                Entry::Occupied(entry) if entry.get().is_directory() => {}
                Entry::Occupied(_) => return refuse("its parent is not a directory"),
            }
        }
        match self.nodes.entry(path.to_owned()) {
            Entry::Vacant(entry) => {
                entry.insert(node);
                Ok(())
            }
            Entry::Occupied(mut entry) => match (entry.get(), &node) {
                (
                    Node::Directory { .. },
                    Node::Directory { open: true } | Node::Inherited { .. },
                ) => {
                    entry.insert(node);
                    Ok(())
                }
                (known, new) if known.is_directory() && new.is_directory() => Ok(()),
                _ => refuse("duplicate path"),
            },
        }
    }

    /// The entry at a path.
    pub fn get(&self, path: &str) -> Option<&Node> {
        self.nodes.get(path)
    }

    /// All entries, sorted by path bytes; a directory comes before its contents.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Node)> {
        self.nodes.iter().map(|(path, node)| (path.as_str(), node))
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Returns whether it has no entries.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Sum of the files' sizes in bytes.
    pub fn size(&self) -> u64 {
        self.nodes
            .values()
            .map(|node| if let Node::File { size, .. } = node { *size } else { 0 })
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(tree: &mut Tree, path: &str) -> String {
        tree.add_bytes(path, &b""[..], false).unwrap_err().to_string()
    }

    #[test]
    fn parents_are_added_and_come_first() {
        let mut tree = Tree::new();
        tree.add_bytes("a/b/c", &b"x"[..], true).unwrap();
        tree.add_symlink("a/a", "b").unwrap();
        assert_eq!(
            tree.iter().map(|(path, _)| path).collect::<Vec<_>>(),
            ["a", "a/a", "a/b", "a/b/c"]
        );
        assert_eq!(tree.size(), 1);
    }

    #[test]
    fn refuses_paths_that_would_damage_an_image() {
        let mut tree = Tree::new();
        tree.add_bytes("file", &b""[..], false).unwrap();
        for bad in ["", "/etc", "a//b", "a/../b", "a/", "a/.wh.b", ".wh..wh..opq", "file/x", "file"]
        {
            assert!(refused(&mut tree, bad).starts_with("cannot add"), "{bad}");
        }
    }
}
