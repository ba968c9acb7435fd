//! What an environment is resolved for: an interpreter inside an image, never this machine.

use super::{Architecture, Glibc, PythonVersion};

/// The interpreter an environment is for, and the machine under it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The interpreter's release.
    pub python: PythonVersion,
    /// The image's C library; decides which manylinux wheels load (PEP 600).
    pub glibc: Glibc,
    /// The image's architecture.
    pub architecture: Architecture,
    /// Absolute path of the interpreter in the image, as `/opt/miniconda/bin/python3.6`.
    pub interpreter: String,
}

impl Target {
    /// `cpython-3.6.15-linux-amd64-glibc2.23`, for messages and cache keys.
    pub fn describe(&self) -> String {
        format!("cpython-{}-linux-{}-glibc{}", self.python, self.architecture, self.glibc)
    }

    /// Directory of the interpreter in the image, the `home` of a virtual environment (PEP 405).
    pub fn home(&self) -> &str {
        self.interpreter
            .rsplit_once('/')
            .map_or("/", |(dir, _)| if dir.is_empty() { "/" } else { dir })
    }
}
