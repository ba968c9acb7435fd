//! The front door and the builtin worker, files that every image contains (packager/serve).

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use mlpack_lock::Server;
use mlpack_oci::Digest;
use mlpack_oci::layer::{Content, Node, Tree};
use mlpack_oci::pending::PendingFile;

use crate::{Error, Result};

/// The front door, process 1 of the container.
pub const FRONT_DOOR: &str = "/opt/mlpack/bin/mlpack-serve";

/// The folder of the builtin worker.
pub const WORKER: &str = "/opt/mlpack/worker";

/// The script that starts Azure's inference server.
pub(super) const LAUNCHER: &str = "/opt/mlpack/launch.py";

/// The port of Azure's inference server behind the front door, on the loopback interface.
pub(super) const INNER_PORT: u16 = 31311;

const HINT: &str = "build mlpack where the target's C compiler and Rust standard library are installed, or set MLPACK_FRONT_DOOR to a folder with `mlpack-serve-ARCHITECTURE` and `worker/`";

/// The static binary for each architecture, and the worker's files.
#[derive(Debug, Clone, Default)]
pub struct FrontDoor {
    binaries: BTreeMap<String, (u64, Content)>,
    worker: Vec<(String, u64, Content)>,
}

impl FrontDoor {
    /// Adds the binary for an architecture, as OCI names it, of `size` bytes.
    #[must_use]
    pub fn with_binary(mut self, architecture: &str, size: u64, content: Content) -> Self {
        self.binaries.insert(architecture.to_owned(), (size, content));
        self
    }

    /// Adds a file of the worker, named below its folder.
    #[must_use]
    pub fn with_worker_file(mut self, name: &str, size: u64, content: Content) -> Self {
        self.worker.push((name.to_owned(), size, content));
        self
    }

    /// Writes the files below a folder of this machine, unless they are there, and returns the binary and the worker's
    /// folder.
    ///
    /// # Errors
    /// [`Error::Architecture`], or if a file cannot be written.
    pub fn install(&self, architecture: &str, parent: &Path) -> Result<(PathBuf, PathBuf)> {
        let mut files = vec![("mlpack-serve".to_owned(), read(&self.binary(architecture)?.1)?)];
        for (name, _, content) in &self.worker {
            files.push((format!("worker/{name}"), read(content)?));
        }
        let parts = files.iter().flat_map(|(name, bytes)| [name.as_bytes(), &bytes[..]]);
        let digest =
            Digest::of(&parts.map(|part| Digest::of(part).hex()).collect::<String>().into_bytes());
        let folder = parent.join(digest.hex());
        let (program, worker) = (folder.join("mlpack-serve"), folder.join("worker"));
        if program.is_file() {
            return Ok((program, worker));
        }
        // The binary comes last: where it is, everything is.
        for (name, bytes) in files.iter().rev() {
            write(&folder.join(name), bytes, name == "mlpack-serve")?;
        }
        Ok((program, worker))
    }

    fn binary(&self, architecture: &str) -> Result<(u64, Content)> {
        self.binaries.get(architecture).cloned().ok_or_else(|| {
            let known: Vec<&str> = self.binaries.keys().map(String::as_str).collect();
            let limit = match known.as_slice() {
                [] => "this build of mlpack contains no front door".to_owned(),
                known => format!("this build of mlpack has a front door for {}", known.join(", ")),
            };
            Error::Architecture { found: architecture.to_owned(), limit, hint: HINT }
        })
    }

    /// Adds the files for an image to its tree.
    ///
    /// # Errors
    /// [`Error::Architecture`] if there is no binary for the architecture.
    pub(super) fn add_to(&self, tree: &mut Tree, architecture: &str) -> Result<()> {
        let (size, content) = self.binary(architecture)?;
        tree.insert(below_root(FRONT_DOOR), Node::File { executable: true, size, content })?;
        for (name, size, content) in self.worker.iter().cloned() {
            let path = format!("{}/{name}", below_root(WORKER));
            tree.insert(&path, Node::File { executable: false, size, content })?;
        }
        Ok(())
    }
}

fn read(content: &Content) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = content.open().and_then(|mut from| from.read_to_end(&mut bytes));
    read.map_err(Error::io("read", Path::new("mlpack-serve")))?;
    Ok(bytes)
}

fn write(path: &Path, bytes: &[u8], executable: bool) -> Result<()> {
    let folder = path.parent().unwrap_or(path);
    let write = || {
        fs::create_dir_all(folder)?;
        let mut file = PendingFile::new_in(folder)?;
        file.write_all(bytes)?;
        file.persist_with_mode(path, if executable { 0o755 } else { 0o644 })
    };
    write().map_err(Error::io("write", path))
}

/// Returns the entry point of an image.
pub(super) fn entrypoint(server: Server, python: &str) -> Vec<String> {
    let inner = format!("127.0.0.1:{INNER_PORT}");
    let words: &[&str] = match server {
        Server::Builtin => &[FRONT_DOOR, "serve", "--", python, WORKER],
        Server::Azmlinfsrv => &[FRONT_DOOR, "proxy", "--to", &inner, "--", python, LAUNCHER],
    };
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// Returns a path relative to the root, as trees have it.
fn below_root(path: &str) -> &str {
    path.trim_start_matches('/')
}
