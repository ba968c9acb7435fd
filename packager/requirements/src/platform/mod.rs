//! What an environment is for: interpreter, C library and architecture of an image.

mod architecture;
mod glibc;
mod python;
mod target;

pub use architecture::Architecture;
pub use glibc::{Glibc, GlibcParseError};
pub use python::{PythonVersion, PythonVersionParseError};
pub use target::Target;
