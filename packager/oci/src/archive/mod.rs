//! Images in one tar file: OCI archives (a layout in a tar) and Docker archives (`docker save`).

mod expanded;
mod members;
mod plain_layers;
mod read;
mod write;

pub use plain_layers::without_zstd;
pub use read::{open_docker_archive, open_oci_archive};
pub use write::{Flavour, write_archive, write_archive_to};
