//! Python packages that conda has put into an environment, for the pip resolver: what it shall
//! take as installed (PyPA, "Recording installed projects").

use std::collections::BTreeMap;
use std::path::Path;

use crate::packages::conda::archive::CondaArchive;
use crate::packages::conda::archive::StoredConda;
use crate::packages::wheel::stub;
use crate::{Result, normalize_name};

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InstalledPackage {
    /// Normalised name (PEP 503).
    pub(crate) name: String,
    /// As its metadata gives it.
    pub(crate) version: String,
    /// The conda package that brings it.
    pub(crate) conda: String,
    /// METADATA or PKG-INFO.
    metadata: String,
}

/// Reads the metadata of all Python packages in conda packages, sorted by name.
pub(crate) fn installed(packages: &[StoredConda]) -> Result<Vec<InstalledPackage>> {
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
            found.insert(name.clone(), InstalledPackage { name, version, conda, metadata });
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

/// Writes a wheel of metadata alone for each package, which a resolver can take for the package.
pub(crate) fn stand_ins(packages: &[InstalledPackage], dir: &Path) -> Result<()> {
    for package in packages {
        stub::write(&package.name, &package.version, &package.metadata, dir)?;
    }
    Ok(())
}
