//! What a base image offers to conda packages.

use mlpack_requirements::{Architecture, Glibc};

/// The properties of a base image that conda packages may depend on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VirtualPackages {
    /// The C library.
    pub glibc: Glibc,
    /// The architecture.
    pub architecture: Architecture,
    /// CUDA, as `10.0`.
    pub cuda: Option<String>,
}

impl VirtualPackages {
    /// `linux-64 with glibc 2.27`
    pub fn describe(&self) -> String {
        format!("{} with glibc {}", self.architecture.conda_subdir(), self.glibc)
    }
}
