//! What packages hold, as far as checks ask: modules that can be imported, and compiled files with
//! the libraries they need. It is read out of an archive once and kept by the archive's hash.

mod cache;
mod inventory;
mod modules;
mod read;

use std::collections::BTreeSet;

use mlpack_requirements::Architecture;
use serde::{Deserialize, Serialize};

pub use inventory::Inventory;
pub use modules::Modules;

/// What one package holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PackageContents {
    /// What can be imported from it.
    pub(crate) modules: Modules,
    /// Its compiled files.
    pub(crate) libraries: Vec<Library>,
    /// Names of links that lead to libraries: `libz.so.1`.
    pub(crate) links: BTreeSet<String>,
    /// `Requires-Python` of a wheel, as written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) requires_python: Option<String>,
}

/// A compiled file of a package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Library {
    /// As the archive has it.
    pub(crate) path: String,
    pub(crate) architecture: Architecture,
    /// The name others ask for it by, where it is not that of the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) soname: Option<String>,
    /// Libraries it cannot be loaded without.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) needed: Vec<String>,
    /// Absolute folders it looks into first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) search: Vec<String>,
}

impl Library {
    /// The name of its file.
    pub(crate) fn file_name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }
}
