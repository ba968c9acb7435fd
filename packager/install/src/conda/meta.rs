//! `conda-meta/`: what conda itself reads to know an environment. No time and no path of this
//! machine is in it.

use rattler_conda_types::package::{DistArchiveIdentifier, IndexJson};
use rattler_conda_types::prefix_record::{PathType, PathsEntry};
use rattler_conda_types::{PackageRecord, PrefixRecord, RepoDataRecord};

use crate::Result;
use mlpack_packages::conda::archive::CondaArchive;
use mlpack_packages::conda::archive::StoredConda;
use mlpack_packages::conda::files::sha256;

/// Name and bytes of a package's record.
pub(crate) fn record(
    archive: &CondaArchive,
    index: IndexJson,
    stored: &StoredConda,
    paths: Vec<PathsEntry>,
) -> Result<(String, Vec<u8>)> {
    let package = &stored.package;
    let bad = |reason: String| archive.bad(reason);
    let sha256 = sha256(&package.sha256);
    let package_record = PackageRecord::from_index_json(index, package.size, sha256, None)
        .map_err(|error| bad(error.to_string()))?;
    let identifier: DistArchiveIdentifier = archive
        .name
        .parse()
        .map_err(|error| bad(format!("its name is not NAME-VERSION-BUILD: {error}")))?;
    let record = RepoDataRecord {
        package_record,
        identifier,
        url: public(&package.url)
            .parse()
            .map_err(|error| bad(format!("{}: {error}", package.url)))?,
        channel: Some(public(&package.channel)),
    };
    let record = PrefixRecord::from_repodata_record(record, paths);
    let name = format!("{}-{}-{}.json", package.name, package.version, package.build);
    let mut bytes = Vec::new();
    record.write_to(&mut bytes, true).map_err(|error| bad(error.to_string()))?;
    bytes.push(b'\n');
    Ok((name, bytes))
}

/// The line of bytecode that the environment makes itself; like conda's own it has no hash.
pub(crate) fn bytecode(path: &str) -> PathsEntry {
    PathsEntry {
        relative_path: path.into(),
        original_path: None,
        path_type: PathType::PycFile,
        no_link: false,
        sha256: None,
        sha256_in_prefix: None,
        size_in_bytes: None,
        file_mode: None,
        prefix_placeholder: None,
    }
}

/// An address as it may be in an image: a folder of this machine keeps its last name only.
fn public(url: &str) -> String {
    let Some(path) = mlpack_lock::relative::local(url) else { return url.to_owned() };
    let names: Vec<_> =
        path.components().rev().take(3).map(|part| part.as_os_str().to_string_lossy()).collect();
    let mut text = "file://".to_owned();
    for name in names.iter().rev() {
        text.push('/');
        text.push_str(name.trim_matches('/'));
    }
    text
}
