//! What is kept between runs: wheels and sources by hash, built wheels, uv. Files appear whole.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use mlpack_oci::{Digest, HashingReader};
use tempfile::NamedTempFile;

use crate::{Error, PythonVersion, Result, Target};

/// The folders below mlpack's cache directory that this room owns.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    root: PathBuf,
}

impl Store {
    pub(crate) fn new(cache: &Path) -> Self {
        Self { root: cache.to_owned() }
    }

    /// Where a file of an index lies: `KIND/SHA256/NAME`.
    pub(crate) fn artifact(&self, kind: &str, sha256: &Digest, filename: &str) -> PathBuf {
        self.root.join(kind).join(sha256.hex()).join(filename)
    }

    /// The folder of the one wheel built from a source for an interpreter.
    pub(crate) fn built(&self, sdist: &Digest, target: &Target) -> PathBuf {
        let machine = target.architecture.machine();
        let key = format!("cp{}-{machine}", target.python.nodot());
        self.root.join("built").join(sdist.hex()).join(key)
    }

    /// uv's own cache.
    pub(crate) fn uv_cache(&self) -> PathBuf {
        self.root.join("uv").join("cache")
    }

    /// The fetched uv of a version.
    pub(crate) fn uv(&self, version: &str, machine: &str) -> PathBuf {
        self.root.join("uv").join(format!("{version}-{machine}")).join("uv")
    }

    /// A described interpreter, named by what it says.
    pub(crate) fn interpreter(&self, script: &[u8], python: PythonVersion) -> PathBuf {
        let name = format!("{python}-{}", Digest::of(script).short());
        self.root.join("interpreters").join(name).join("bin").join("python")
    }

    /// A folder for work in progress, on the same disk as the rest.
    pub(crate) fn workdir(&self) -> Result<tempfile::TempDir> {
        let dir = self.root.join("work");
        create_dir(&dir)?;
        tempfile::tempdir_in(&dir).map_err(Error::io("create", &dir))
    }
}

pub(crate) fn create_dir(dir: &Path) -> Result<()> {
    fs::create_dir_all(dir).map_err(Error::io("create", dir))
}

/// A temporary file that [`persist`] turns into `path`.
pub(crate) fn pending(path: &Path) -> Result<NamedTempFile> {
    let dir = path.parent().unwrap_or(Path::new("."));
    create_dir(dir)?;
    NamedTempFile::new_in(dir).map_err(Error::io("create", dir))
}

/// Gives a pending file its name, whole or not at all.
pub(crate) fn persist(file: NamedTempFile, path: &Path, mode: u32) -> Result<()> {
    file.as_file()
        .set_permissions(fs::Permissions::from_mode(mode))
        .and_then(|()| file.as_file().sync_data())
        .map_err(Error::io("write", path))?;
    file.persist(path).map_err(|error| Error::io("write", path)(error.error))?;
    Ok(())
}

/// Writes a small file, whole or not at all.
pub(crate) fn write(path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    let mut file = pending(path)?;
    file.write_all(bytes).map_err(Error::io("write", path))?;
    persist(file, path, mode)
}

/// The digest of a file's bytes.
pub(crate) fn digest_file(path: &Path) -> Result<Digest> {
    let file = File::open(path).map_err(Error::io("read", path))?;
    let mut reader = HashingReader::new(file);
    io::copy(&mut reader, &mut io::sink()).map_err(Error::io("read", path))?;
    Ok(reader.digest())
}
