//! `mlpack.lock`: an environment as it was resolved once, kept beside the conda file.
//!
//! A form of our own beside the standard one (PEP 751): that knows no conda packages, no base image
//! and no inputs. One package is one block, sorted by name, so that a difference reads as what it
//! is. No times, no folders of a machine, no passwords.

mod fit;
mod form;
mod inputs;
mod package_form;
mod read;
mod relative;
mod render;

use std::path::{Path, PathBuf};

use mlpack_oci::Digest;
use mlpack_oci::pending::write_atomically;
use mlpack_requirements::{Target, normalize_name};

use crate::conda::VirtualPackages;
use crate::lock::LockedEnvironment;
use crate::server::SERVER;
use crate::{Error, Result};

pub use fit::Fit;
pub use inputs::{InputFile, LockInputs};

/// The file's name where none is given.
pub const LOCK_NAME: &str = "mlpack.lock";

/// Version of the form.
const FORMAT: u32 = 1;

/// What a lock file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockFile {
    /// What was asked for.
    pub inputs: LockInputs,
    /// The base image that was at hand.
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

/// What packages stand on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockTarget<'a> {
    /// The base's interpreter.
    Base(&'a Target),
    /// An interpreter among conda packages.
    New {
        /// What the base offers them.
        virtual_packages: &'a VirtualPackages,
        /// Where they lie, absolute.
        prefix: &'a str,
    },
}

/// Where relative paths of a lock file start.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Places<'a> {
    /// The lock file's folder, absolute.
    pub(crate) folder: &'a Path,
    /// Folders of packages that this machine is told of; their place is not written down.
    pub(crate) find_links: &'a [PathBuf],
}

impl LockFile {
    /// Reads a file; nothing if there is none. Packages that came from a folder of
    /// `find_links` are looked for in these.
    ///
    /// # Errors
    /// [`Error::Io`], and those of [`LockFile::parse`].
    pub fn load(path: &Path, find_links: &[PathBuf]) -> Result<Option<Self>> {
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(&text, path, find_links).map(Some),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io("read", path)(error)),
        }
    }

    /// Reads the text of a file.
    ///
    /// # Errors
    /// [`Error::LockForm`] with the line, [`Error::LockFormat`] for a form of another version.
    pub fn parse(text: &str, path: &Path, find_links: &[PathBuf]) -> Result<Self> {
        let folder = relative::folder_of(path)?;
        read::read(text, path, Places { folder: &folder, find_links })
    }

    /// The text of the file at `path`.
    ///
    /// # Errors
    /// If the current directory is gone.
    pub fn render(&self, path: &Path, find_links: &[PathBuf]) -> Result<String> {
        let folder = relative::folder_of(path)?;
        Ok(render::render(self, Places { folder: &folder, find_links }))
    }

    /// Writes the file, whole or not at all. A file that says the same already is left alone.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn save(&self, path: &Path, find_links: &[PathBuf]) -> Result<()> {
        let text = self.render(path, find_links)?;
        if std::fs::read_to_string(path).is_ok_and(|there| there == text) {
            return Ok(());
        }
        write_atomically(path, text.as_bytes()).map_err(Error::io("write", path))
    }

    /// `azureml-inference-server-http==1.4.0`
    pub fn server(&self) -> Option<String> {
        let server = self.environment.package(SERVER)?;
        Some(format!("{}=={}", server.name, server.version))
    }

    /// The packages without those of some names, which may then become others.
    ///
    /// # Errors
    /// [`Error::NotLocked`] for a name that is not there; `path` is told in it.
    pub fn held_but(&self, names: &[String], path: &Path) -> Result<LockedEnvironment> {
        let mut held = self.environment.clone();
        for name in names {
            let plain = normalize_name(name);
            let before = held.conda.len() + held.packages.len();
            held.conda.retain(|package| package.name != *name && package.name != plain);
            held.packages.retain(|package| package.name != plain);
            if held.conda.len() + held.packages.len() == before {
                let path = path.to_owned();
                return Err(Error::NotLocked {
                    path,
                    name: name.clone(),
                    nearest: self.nearest(name),
                });
            }
        }
        Ok(held)
    }

    fn nearest(&self, name: &str) -> Option<String> {
        let conda = self.environment.conda.iter().map(|package| &package.name);
        let pip = self.environment.packages.iter().map(|package| &package.name);
        mlpack_documents::nearest(name, conda.chain(pip).map(String::as_str)).map(str::to_owned)
    }

    /// Whether the interpreter is among its conda packages.
    pub(crate) fn is_new(&self) -> bool {
        !self.environment.conda.is_empty()
    }
}
