//! Files that are kept between runs: wheels and sources by hash, built wheels, uv. Files appear
//! atomically; the cache's folder removes what a killed run had begun.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use mlpack_oci::pending::PendingFile;
use mlpack_oci::{Digest, HashingReader, HashingWriter};

use crate::{Error, Result};
use mlpack_oci::pending::PendingFolder;
use mlpack_requirements::{PythonVersion, Target};

/// Attempts to create a folder when another run keeps removing it as empty.
const TRIES: usize = 10;

/// The folders below mlpack's cache directory that hold packages.
#[derive(Debug, Clone)]
pub struct Store {
    root: PathBuf,
}

impl Store {
    /// The packages below a cache directory, absolute.
    pub fn new(cache: &Path) -> Self {
        Self { root: cache.to_owned() }
    }

    /// The path of a file of an index: `KIND/SHA256/NAME`.
    pub fn artifact(&self, kind: &str, sha256: &Digest, filename: &str) -> PathBuf {
        self.root.join(kind).join(sha256.hex()).join(filename)
    }

    /// The folder of the one wheel built from a source for an interpreter, by these build tools.
    pub fn built(&self, sdist: &Digest, target: &Target, tools: &str) -> PathBuf {
        let machine = target.architecture.machine();
        let tools = Digest::of(tools.as_bytes());
        let key = format!("cp{}-{machine}-{}", target.python.nodot(), tools.short());
        self.root.join("built").join(sdist.hex()).join(key)
    }

    /// The bytecode of a package, by everything else that decides it.
    pub fn bytecode(&self, package: &Digest, key: &Digest) -> PathBuf {
        self.root.join("bytecode").join(package.hex()).join(format!("{}.zip", key.short()))
    }

    /// What checks have read of an archive.
    pub fn contents(&self, sha256: &Digest, version: u32) -> PathBuf {
        self.root.join("contents").join(format!("{}.v{version}.json", sha256.hex()))
    }

    /// uv's own cache.
    pub fn uv_cache(&self) -> PathBuf {
        self.root.join("uv").join("cache")
    }

    /// The conda gateway's cache of repodata.
    pub fn repodata(&self) -> PathBuf {
        self.root.join("repodata")
    }

    /// The fetched uv of a version.
    pub fn uv(&self, version: &str, machine: &str) -> PathBuf {
        self.root.join("uv").join(format!("{version}-{machine}")).join("uv")
    }

    /// A described interpreter, named by its contents.
    pub fn interpreter(&self, script: &[u8], python: PythonVersion) -> PathBuf {
        let name = format!("{python}-{}", Digest::of(script).short());
        self.root.join("interpreters").join(name).join("bin").join("python")
    }

    /// A conda interpreter that builds sources. Names are short, since the whole path must fit where
    /// programs have the prefix they were made for.
    pub fn build_python(&self, key: &Digest) -> PathBuf {
        self.build_pythons().join(key.short())
    }

    /// Where those are.
    pub fn build_pythons(&self) -> PathBuf {
        self.root.join("py")
    }

    /// A folder for work in progress, on the same disk as the rest.
    pub fn work_folder(&self) -> Result<PendingFolder> {
        let dir = self.work();
        PendingFolder::new_in(&dir).map_err(Error::io("create a folder in", &dir))
    }

    fn work(&self) -> PathBuf {
        self.root.join("work")
    }
}

/// Begins the file that will be `path`, making its folder.
pub fn pending(path: &Path) -> Result<PendingFile> {
    let dir = path.parent().unwrap_or(Path::new("."));
    let mut begun = begin_in(dir);
    for _ in 1..TRIES {
        match &begun {
            // Another run has just removed the folder because it was empty.
            Err(error) if error.kind() == io::ErrorKind::NotFound => begun = begin_in(dir),
            _ => break,
        }
    }
    begun.map_err(Error::io("create a file in", dir))
}

fn begin_in(dir: &Path) -> io::Result<PendingFile> {
    fs::create_dir_all(dir)?;
    PendingFile::new_in(dir)
}

/// Gives a pending file its name, atomically.
pub fn persist(file: PendingFile, path: &Path) -> Result<()> {
    file.persist(path).map_err(Error::io("write", path))
}

/// Gives a pending program its name, executable from the first moment on. A program of that name stays:
/// another process may have written it meanwhile and may be starting it now.
pub fn persist_program(mut file: PendingFile, path: &Path) -> Result<()> {
    // Its bytes are not verified again, so a loss of power must not empty it.
    file.as_file_mut().sync_data().map_err(Error::io("write", path))?;
    if is_program(path) {
        return Ok(());
    }
    file.persist_with_mode(path, 0o755).map_err(Error::io("write", path))
}

/// Copies a file of this machine into the cache and verifies its hash; a file that is there already
/// is kept.
pub fn copy_in(source: &Path, path: &Path, sha256: Digest, filename: &str) -> Result<()> {
    if path.exists() {
        return Ok(());
    }
    let mut reader = File::open(source).map_err(Error::io("read", source))?;
    let mut file = HashingWriter::new(pending(path)?);
    io::copy(&mut reader, &mut file).map_err(Error::io("write", path))?;
    let (file, found, _) = file.finish();
    if found != sha256 {
        let filename = filename.to_owned();
        return Err(Error::ChecksumMismatch { filename, expected: sha256, found });
    }
    persist(file, path)
}

/// Whether there is a file that may be run.
pub fn is_program(path: &Path) -> bool {
    path.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

/// The digest of a file's bytes.
pub fn digest_file(path: &Path) -> Result<Digest> {
    let file = File::open(path).map_err(Error::io("read", path))?;
    let mut reader = HashingReader::new(file);
    io::copy(&mut reader, &mut io::sink()).map_err(Error::io("read", path))?;
    Ok(reader.digest())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_one_when_it_has_its_name() {
        let cache = tempfile::tempdir().unwrap();
        let path = cache.path().join("bin/tool");
        let file = pending(&path).unwrap();
        assert!(!is_program(&path) && !is_program(&file.path()));
        persist_program(file, &path).unwrap();
        assert!(is_program(&path));
    }
}
