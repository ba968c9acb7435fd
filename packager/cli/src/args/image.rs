//! How images are named and selected.

use clap::Args;
use mlpack_oci::Platform;

/// The forms of an image argument.
pub(crate) const IMAGES: &str = "\
Images:
  oci:DIR[:TAG]                 OCI image layout (a directory)
  oci-archive:FILE[:TAG]        OCI image layout in a tar file
  docker-archive:FILE[:NAME]    Archive of `docker save`
  docker:NAME                   Image in the Docker engine
  REGISTRY/REPOSITORY[:TAG][@DIGEST]
An existing layout directory or archive can be given without its prefix.";

/// Which image of a multi-platform image.
#[derive(Debug, Clone, Args)]
pub(crate) struct PlatformArgs {
    /// Platform to select from a multi-platform image
    #[arg(long, default_value = "linux/amd64")]
    pub(crate) platform: Platform,
}
