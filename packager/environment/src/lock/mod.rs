//! An environment as it was resolved: exact packages, and the file that keeps them.

pub(crate) mod compatibility;
pub(crate) mod conda_package;
pub(crate) mod environment;
pub(crate) mod file;
pub(crate) mod virtual_packages;
