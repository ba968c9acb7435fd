//! The Python packages that conda packages install, as the pip resolver sees them: installed already.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use mlpack_oci::pending::PendingFolder;

use crate::{Error, Result};
use mlpack_packages::conda::archive::{CondaArchive, StoredConda};
use mlpack_packages::wheel::stub;
use mlpack_requirements::normalize_name;

/// Python packages of a conda environment.
pub(crate) struct InstalledByConda {
    /// Normalised names.
    pub(crate) names: Vec<String>,
    /// All archives of the environment.
    pub(crate) archives: Vec<StoredConda>,
    /// A folder with a stub wheel for each package.
    pub(crate) stub_wheels: PathBuf,
    /// A constraints file that pins each package to its version.
    pub(crate) constraints: PathBuf,
    _folder: PendingFolder,
}

impl InstalledByConda {
    /// Reads the metadata in the archives and writes stub wheels and constraints into `folder`.
    ///
    /// # Errors
    /// Those of the archives and of the folder.
    pub(crate) fn of(archives: Vec<StoredConda>, folder: PendingFolder) -> Result<Self> {
        let installed = installed(&archives)?;
        let stub_wheels = folder.path().join("installed");
        fs::create_dir(&stub_wheels).map_err(Error::io("create", &stub_wheels))?;
        let mut lines = String::new();
        for package in &installed {
            let (name, version) = (&package.name, &package.version);
            stub::write(name, version, &package.metadata, &stub_wheels)?;
            lines += &format!("{name}=={version}  # conda package {}\n", package.conda);
        }
        let constraints = folder.path().join("installed.txt");
        fs::write(&constraints, lines).map_err(Error::io("write", &constraints))?;
        let names = installed.into_iter().map(|package| package.name).collect();
        Ok(Self { names, archives, stub_wheels, constraints, _folder: folder })
    }
}

/// A Python package that a conda package installs (PyPA, "Recording installed projects").
#[derive(Debug, Clone, PartialEq, Eq)]
struct PythonPackage {
    /// Normalised name (PEP 503).
    name: String,
    /// As its metadata gives it.
    version: String,
    /// The conda package that contains it.
    conda: String,
    /// METADATA or PKG-INFO.
    metadata: String,
}

/// Reads the metadata of all Python packages in conda packages, sorted by name.
fn installed(packages: &[StoredConda]) -> Result<Vec<PythonPackage>> {
    let mut found = BTreeMap::new();
    for stored in packages {
        let archive = CondaArchive::open(stored)?;
        for path in archive.entries().keys().filter(|path| is_metadata(path)) {
            let Some(bytes) = archive.bytes(path)? else { continue };
            let metadata = String::from_utf8_lossy(&bytes).into_owned();
            let field = |name: &str| {
                metadata
                    .lines()
                    .take_while(|line| !line.is_empty())
                    .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
                    .map(|value| value.trim().to_owned())
            };
            let (Some(name), Some(version)) = (field("Name"), field("Version")) else { continue };
            let name = normalize_name(&name);
            let conda = stored.package.name.clone();
            found.insert(name.clone(), PythonPackage { name, version, conda, metadata });
        }
    }
    Ok(found.into_values().collect())
}

/// `site-packages/NAME.dist-info/METADATA` and the older `.egg-info`, directory or file.
fn is_metadata(path: &str) -> bool {
    let Some((_, inside)) = path.split_once("site-packages/") else { return false };
    match inside.split('/').collect::<Vec<_>>()[..] {
        [dir, "METADATA"] => dir.ends_with(".dist-info"),
        [dir, "PKG-INFO"] => dir.ends_with(".egg-info"),
        [file] => file.ends_with(".egg-info"),
        _ => false,
    }
}
