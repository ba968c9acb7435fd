//! One path of an environment on its way into a layer.

use mlpack_oci::Digest;
use mlpack_oci::layer::{Content, Node};

/// What a package puts at a path, with a digest to compare it with another package's.
#[derive(Debug, Clone)]
pub struct FileEntry {
    /// Of a file's bytes or a link's target.
    pub digest: Digest,
    /// The entry of the layer.
    pub node: Node,
}

impl FileEntry {
    /// A file in memory.
    pub fn bytes(bytes: Vec<u8>, executable: bool) -> Self {
        let digest = Digest::of(&bytes);
        let size = bytes.len() as u64;
        Self {
            digest,
            node: Node::File { executable, size, content: Content::Bytes(bytes.into()) },
        }
    }

    /// A symbolic link.
    pub fn link(target: &str) -> Self {
        let digest = Digest::of(target.as_bytes());
        Self { digest, node: Node::Symlink { target: target.to_owned() } }
    }

    /// A directory.
    pub fn directory() -> Self {
        Self { digest: Digest::of(b""), node: Node::Directory { open: false } }
    }

    /// In bytes; links and directories have none.
    pub fn size(&self) -> u64 {
        match self.node {
            Node::File { size, .. } => size,
            _ => 0,
        }
    }

    /// Whether both are the same entry.
    pub fn same(&self, other: &Self) -> bool {
        self.digest == other.digest
            && self.size() == other.size()
            && std::mem::discriminant(&self.node) == std::mem::discriminant(&other.node)
    }
}
