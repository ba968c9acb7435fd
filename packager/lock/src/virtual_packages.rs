//! What a base image offers to conda packages.

use mlpack_requirements::Architecture;

/// The properties of a base image that conda packages may depend on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VirtualPackages {
    /// The C library, `(2, 27)` for 2.27.
    pub glibc: (u32, u32),
    /// The architecture.
    pub architecture: Architecture,
    /// CUDA, as `10.0`.
    pub cuda: Option<String>,
}

impl VirtualPackages {
    /// `linux-64 with glibc 2.27`
    pub fn describe(&self) -> String {
        format!("{} with glibc {}.{}", subdir(self.architecture), self.glibc.0, self.glibc.1)
    }
}

/// The folder of a channel for an architecture, as `linux-64`.
pub(crate) fn subdir(architecture: Architecture) -> &'static str {
    match architecture {
        Architecture::Amd64 => "linux-64",
        Architecture::Arm64 => "linux-aarch64",
    }
}
