//! A base image that was read.

use mlpack_oci::Image;
use mlpack_oci::layer::Encoding;
use mlpack_oci::rootfs::RootFs;

use crate::base::BaseFacts;

/// A base image and what was read of it.
pub struct Base {
    /// Its reference, if it is valid on other machines: of a registry.
    pub name: Option<String>,
    /// The image.
    pub image: Image,
    /// How its layers are stored, from the bottom up.
    pub encodings: Vec<Encoding>,
    /// Its merged file system.
    pub root: RootFs,
    /// Its facts.
    pub facts: BaseFacts,
}
