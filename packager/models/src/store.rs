//! Where manifests are kept by name and tag. Versions, aliases and claims are tags.

use std::collections::BTreeMap;

use mlpack_oci::{Artifact, BlobStore, Digest, Progress};

use crate::Result;

/// Manifests by name and tag.
pub(crate) trait Store: Send + Sync {
    /// How users write it.
    fn place(&self) -> String;

    /// Returns the names that have a tag.
    fn names(&self) -> Result<Vec<String>>;

    /// Returns the tags of a name.
    fn tags(&self, name: &str) -> Result<Vec<String>>;

    /// Returns what a tag names.
    fn get(&self, name: &str, tag: &str) -> Result<Option<Artifact>>;

    /// Returns what the tags that `wanted` selects name, by tag.
    fn get_all(
        &self,
        name: &str,
        wanted: &dyn Fn(&str) -> bool,
    ) -> Result<BTreeMap<String, Artifact>>;

    /// Lets a tag name another manifest, if it names `expected` now. Blobs go before the manifest, the tag last.
    fn swap(
        &self,
        name: &str,
        tag: &str,
        expected: Option<Digest>,
        artifact: &Artifact,
        progress: &dyn Progress,
    ) -> Result<bool>;

    /// Removes a tag that names `digest`. Returns whether it is gone: registries may refuse.
    fn remove(&self, name: &str, tag: &str, digest: Digest) -> Result<bool>;

    /// Returns where new blobs are written first.
    fn stage(&self) -> &BlobStore;
}
