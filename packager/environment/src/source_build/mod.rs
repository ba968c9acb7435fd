//! Builds wheels from sources with uv and a Python of this machine or of the environment.

pub(crate) mod build_python;
pub(crate) mod build_tools;
pub(crate) mod builder;
pub(crate) mod git;
pub(crate) mod host_python;
pub(crate) mod interpreters;
pub(crate) mod linker;
pub(crate) mod source_tree;
pub(crate) mod sources;
pub(crate) mod uv;
