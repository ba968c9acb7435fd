//! One package of an installation.

use mlpack_oci::Digest;
use mlpack_oci::layer::Tree;

use crate::prune::Pruned;

/// An installed package.
#[derive(Debug)]
pub struct InstalledPackage {
    /// Normalised name.
    pub name: String,
    /// Version.
    pub version: String,
    /// Its files, at their places in the image.
    pub tree: Tree,
    /// Of everything that decides the tree.
    pub key: Digest,
    /// What was left out of it.
    pub pruned: Vec<Pruned>,
}
