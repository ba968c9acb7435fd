//! Installed packages of a file system.

use mlpack_oci::rootfs::RootFs;
use serde::Serialize;

/// An installed package.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Package {
    /// Normalised name.
    pub name: String,
    /// Version.
    pub version: String,
    /// `pip` or `conda`.
    pub kind: &'static str,
    /// The folder it is in.
    pub place: String,
}

/// Returns every pip and conda package of a file system, by the records that tools leave
/// (docs/pitfalls.md#22).
pub fn packages(root: &RootFs) -> Vec<Package> {
    let mut found = Vec::new();
    for (path, _) in root.below("") {
        let Some((dir, name)) = path.rsplit_once('/') else { continue };
        if let Some(stem) =
            name.strip_suffix(".dist-info").or_else(|| name.strip_suffix(".egg-info"))
            && let Some((name, version)) = stem.split_once('-')
        {
            let version = version.split("-py").next().unwrap_or(version);
            let name = mlpack_requirements::normalize_name(name);
            found.push(Package {
                name,
                version: version.to_owned(),
                kind: "pip",
                place: format!("/{dir}"),
            });
        } else if let Some(prefix) = dir.strip_suffix("/conda-meta")
            && let Some(stem) = name.strip_suffix(".json")
            && let [_, version, name] = stem.rsplitn(3, '-').collect::<Vec<_>>()[..]
        {
            found.push(Package {
                name: name.to_owned(),
                version: version.to_owned(),
                kind: "conda",
                place: format!("/{prefix}"),
            });
        }
    }
    found.sort();
    found.dedup();
    found
}
