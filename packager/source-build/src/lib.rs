//! Builds wheels from source distributions, folders and repositories, with uv and a Python of this
//! machine or of the conda environment.

pub mod build_python;
pub mod build_tools;
pub mod builder;
mod error;
mod git;
pub mod host_python;
pub mod interpreters;
mod linker;
mod programs;
pub mod source_tree;
pub mod sources;
pub mod uv;

pub use error::{Error, Result};
pub use programs::{find_program, find_programs};
