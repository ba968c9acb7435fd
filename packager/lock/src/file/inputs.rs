//! What a lock file was made from: the lines and files that decide it, as they are written in the
//! project and so the same on every machine.

use mlpack_oci::Digest;

use crate::environment::Server;

/// Inputs of an environment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LockInputs {
    /// What runs the entry script; Azure's inference server is added to the packages.
    pub server: Server,
    /// Conda lines in the order written; none where the base's interpreter is kept, since they have
    /// no part in it.
    pub conda: Vec<String>,
    /// Channels in the order written, under the same condition.
    pub channels: Vec<String>,
    /// The `pip:` list in the order written.
    pub pip: Vec<String>,
    /// Files that the list names: other lists, wheels, sources.
    pub files: Vec<InputFile>,
    /// The day whose packages were asked for.
    pub exclude_newer: Option<String>,
    /// Indexes without user and password, the main one first. They are where files were found, not
    /// what was asked for.
    pub indexes: Vec<String>,
}

/// A file by content.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct InputFile {
    /// From the lock file's folder.
    pub path: String,
    /// Of its bytes.
    pub sha256: Digest,
}
