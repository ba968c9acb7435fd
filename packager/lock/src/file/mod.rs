//! `mlpack.lock`: a resolved environment, kept next to the conda file.
//!
//! The format is our own, since the standard one (PEP 751) has no conda packages, no base image and
//! no inputs. One package is one block, sorted by name, so that diffs are readable. The file has no
//! times, no folders of a machine and no passwords.

mod fit;
mod form;
mod inputs;
mod package_form;
mod read;
pub mod relative;
mod render;

use std::path::{Path, PathBuf};

use mlpack_oci::Digest;
use mlpack_oci::pending::write_durably;

use crate::environment::LockedEnvironment;
use crate::environment::SERVER;
use crate::virtual_packages::VirtualPackages;
use crate::{Error, Result};
use mlpack_requirements::{Target, normalize_name};

pub use fit::LockFit;
pub use inputs::{InputFile, LockInputs};

/// The file's name where none is given.
pub const LOCK_NAME: &str = "mlpack.lock";

/// Version of the format.
const FORMAT: u32 = 1;

/// The contents of a lock file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockFile {
    /// What was requested.
    pub inputs: LockInputs,
    /// The base image it was made for.
    pub base: LockedBase,
    /// CUDA of the base, where conda packages were solved for it.
    pub cuda: Option<String>,
    /// The packages, and what they are for.
    pub environment: LockedEnvironment,
}

/// A base image by name and content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedBase {
    /// Its reference, where that is true on any machine.
    pub reference: Option<String>,
    /// Digest of its manifest.
    pub digest: Digest,
}

/// The interpreter that packages are for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LockTarget {
    /// The base's interpreter.
    Base(Target),
    /// An interpreter among conda packages.
    New {
        /// What conda packages can rely on in the base.
        virtual_packages: VirtualPackages,
        /// The environment's folder, absolute.
        prefix: String,
    },
}

/// What a lock file's paths are read and written with.
#[derive(Debug, Clone, Copy)]
pub struct LockPlaces<'a> {
    /// Where a relative path of the lock file itself starts; absolute.
    pub current_dir: &'a Path,
    /// Folders of packages that this machine has; the lock names packages in them by file name.
    pub find_links: &'a [PathBuf],
}

/// Where relative paths in a lock file start.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Places<'a> {
    /// The lock file's folder, absolute.
    pub folder: &'a Path,
    /// Folders of packages that this machine has; their path is not written down.
    pub find_links: &'a [PathBuf],
}

impl LockFile {
    /// Reads a file; returns `None` if there is none. Packages that came from a folder of `find_links`
    /// are searched in these.
    ///
    /// # Errors
    /// [`Error::Io`], and those of [`LockFile::parse`].
    pub fn load(path: &Path, places: LockPlaces<'_>) -> Result<Option<Self>> {
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(&text, path, places).map(Some),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io("read", path)(error)),
        }
    }

    /// Reads the text of a file.
    ///
    /// # Errors
    /// [`Error::Invalid`] with the line, [`Error::UnknownFormat`] for a form of another version.
    pub fn parse(text: &str, path: &Path, places: LockPlaces<'_>) -> Result<Self> {
        let folder = relative::folder_of(path, places.current_dir);
        read::read(text, path, Places { folder: &folder, find_links: places.find_links })
    }

    /// Renders the text of the file at `path`.
    pub fn render(&self, path: &Path, places: LockPlaces<'_>) -> String {
        let folder = relative::folder_of(path, places.current_dir);
        render::render(self, Places { folder: &folder, find_links: places.find_links })
    }

    /// Writes the file atomically. A file with the same text is not touched.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn save(&self, path: &Path, places: LockPlaces<'_>) -> Result<()> {
        let text = self.render(path, places);
        if std::fs::read_to_string(path).is_ok_and(|there| there == text) {
            return Ok(());
        }
        write_durably(path, text.as_bytes()).map_err(Error::io("write", path))
    }

    /// `azureml-inference-server-http==1.4.0`
    pub fn server(&self) -> Option<String> {
        let server = self.environment.package(SERVER)?;
        Some(format!("{}=={}", server.name, server.version))
    }

    /// Returns the packages without those of some names, which may then change.
    ///
    /// # Errors
    /// [`Error::NotLocked`] for a name that is not locked; `path` is for the message.
    pub fn without(&self, names: &[String], path: &Path) -> Result<LockedEnvironment> {
        let mut kept = self.environment.clone();
        for name in names {
            let plain = normalize_name(name);
            let before = kept.conda.len() + kept.packages.len();
            kept.conda.retain(|package| package.name != *name && package.name != plain);
            kept.packages.retain(|package| package.name != plain);
            if kept.conda.len() + kept.packages.len() == before {
                let path = path.to_owned();
                return Err(Error::NotLocked {
                    path,
                    name: name.clone(),
                    nearest: self.nearest(name),
                });
            }
        }
        Ok(kept)
    }

    fn nearest(&self, name: &str) -> Option<String> {
        let conda = self.environment.conda.iter().map(|package| &package.name);
        let pip = self.environment.packages.iter().map(|package| &package.name);
        mlpack_documents::nearest(name, conda.chain(pip).map(String::as_str)).map(str::to_owned)
    }

    /// Whether the interpreter is among its conda packages.
    pub fn is_new(&self) -> bool {
        !self.environment.conda.is_empty()
    }
}
