//! The folders below mlpack's cache directory that hold packages.

pub mod store;
