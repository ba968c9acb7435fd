//! Processor architectures.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A processor architecture, spelled as OCI platforms spell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Architecture {
    /// x86-64.
    Amd64,
    /// 64-bit Arm.
    Arm64,
}

impl Architecture {
    /// The kernel's name, as in wheel tags: `x86_64`, `aarch64`.
    pub fn machine(self) -> &'static str {
        match self {
            Self::Amd64 => "x86_64",
            Self::Arm64 => "aarch64",
        }
    }

    /// The subdirectory of a conda channel with its packages: `linux-64`, `linux-aarch64`.
    pub fn conda_subdir(self) -> &'static str {
        match self {
            Self::Amd64 => "linux-64",
            Self::Arm64 => "linux-aarch64",
        }
    }

    /// The architecture of this machine, where it is one of the two.
    pub fn of_this_machine() -> Option<Self> {
        match std::env::consts::ARCH {
            "x86_64" => Some(Self::Amd64),
            "aarch64" => Some(Self::Arm64),
            _ => None,
        }
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Amd64 => "amd64",
            Self::Arm64 => "arm64",
        })
    }
}
