//! Python packages that conda has put into an environment, for the pip resolver: what it shall
//! take as installed (PyPA, "Recording installed projects").

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::archive::CondaArchive;
use super::package::StoredConda;
use crate::{Error, Result, normalize_name};

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
pub(crate) fn stand_ins(packages: &[InstalledPackage], dir: &Path) -> Result<Vec<PathBuf>> {
    packages.iter().map(|package| stand_in(package, dir)).collect()
}

fn stand_in(package: &InstalledPackage, dir: &Path) -> Result<PathBuf> {
    let stem = format!("{}-{}", package.name.replace('-', "_"), package.version);
    let path = dir.join(format!("{stem}-py2.py3-none-any.whl"));
    let info = format!("{stem}.dist-info");
    let file = File::create(&path).map_err(Error::io("write", &path))?;
    let mut zip = ZipWriter::new(file);
    // By itself it would be the time of day.
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(DateTime::default());
    let wheel = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py2-none-any\nTag: py3-none-any\n";
    for (name, text) in [("METADATA", package.metadata.as_str()), ("WHEEL", wheel), ("RECORD", "")]
    {
        zip.start_file(format!("{info}/{name}"), options)
            .map_err(std::io::Error::from)
            .and_then(|()| zip.write_all(text.as_bytes()))
            .map_err(Error::io("write", &path))?;
    }
    zip.finish().map_err(|error| Error::io("write", &path)(error.into()))?;
    Ok(path)
}
