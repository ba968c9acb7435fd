//! PackageContents in the cache: one small JSON file for each archive, named by its hash.

use std::io::Write as _;

use mlpack_oci::Digest;

use super::PackageContents;
use crate::{Error, Result};
use mlpack_packages::cache::store;
use mlpack_packages::cache::store::Store;

/// Version of the cached data; another one makes everything be read again.
const VERSION: u32 = 2;

/// What was kept of an archive; nothing also where it cannot be read.
pub(super) fn get(store: &Store, sha256: &Digest) -> Option<PackageContents> {
    serde_json::from_slice(&std::fs::read(store.contents(sha256, VERSION)).ok()?).ok()
}

/// Keeps what an archive holds.
pub(super) fn put(store: &Store, sha256: &Digest, contents: &PackageContents) -> Result<()> {
    let path = store.contents(sha256, VERSION);
    let mut file = store::pending(&path)?;
    let bytes = serde_json::to_vec(contents).unwrap_or_default();
    file.write_all(&bytes).map_err(Error::io("write", &path))?;
    Ok(store::persist(file, &path)?)
}
