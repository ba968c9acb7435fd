//! The folders below mlpack's cache directory that hold packages.

pub(crate) mod store;
pub(crate) mod work_folder;
