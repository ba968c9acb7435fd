//! What the environment is resolved for: an interpreter inside an image, never this machine.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A CPython release, `3.6.15`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PythonVersion {
    /// `3`
    pub major: u32,
    /// `6`
    pub minor: u32,
    /// `15`
    pub patch: u32,
}

/// A version of Python that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` is not a Python release; expected three numbers such as 3.11.7")]
pub struct PythonVersionParseError {
    /// The text as given.
    pub found: String,
}

impl PythonVersion {
    /// A release by its three numbers.
    pub const fn new(major: u32, minor: u32, patch: u32) -> Self {
        Self { major, minor, patch }
    }

    /// `3.6`, as in `lib/python3.6`.
    pub fn minor_text(&self) -> String {
        format!("{}.{}", self.major, self.minor)
    }

    /// `36` or `311`, as in the wheel tag `cp311` (PEP 425).
    pub(crate) fn nodot(&self) -> String {
        format!("{}{}", self.major, self.minor)
    }

    /// The ABI tag of a release build; `m` for pymalloc was part of it up to 3.7 (PEP 425, bpo-36707).
    pub(crate) fn abi_tag(&self) -> String {
        let flags = if (self.major, self.minor) < (3, 8) { "m" } else { "" };
        format!("cp{}{flags}", self.nodot())
    }

    /// Whether both are the same minor version and so share wheels.
    pub fn same_minor(&self, other: Self) -> bool {
        (self.major, self.minor) == (other.major, other.minor)
    }
}

impl fmt::Display for PythonVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

impl FromStr for PythonVersion {
    type Err = PythonVersionParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || PythonVersionParseError { found: text.to_owned() };
        let mut numbers = text.split('.').map(|part| part.parse::<u32>().map_err(|_| error()));
        let mut next = || numbers.next().unwrap_or_else(|| Err(error()));
        let version = Self::new(next()?, next()?, next()?);
        if numbers.next().is_some() { Err(error()) } else { Ok(version) }
    }
}

impl Serialize for PythonVersion {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PythonVersion {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

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

/// The interpreter an environment is for, and the machine under it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// The interpreter's release.
    pub python: PythonVersion,
    /// The image's C library, `(2, 23)` for 2.23; decides which manylinux wheels load (PEP 600).
    pub glibc: (u32, u32),
    /// The image's architecture.
    pub architecture: Architecture,
    /// Absolute path of the interpreter in the image, as `/opt/miniconda/bin/python3.6`.
    pub interpreter: String,
}

impl Target {
    /// `cpython-3.6.15-linux-amd64-glibc2.23`, for messages and cache keys.
    pub fn describe(&self) -> String {
        format!(
            "cpython-{}-linux-{}-glibc{}.{}",
            self.python, self.architecture, self.glibc.0, self.glibc.1
        )
    }

    /// Directory of the interpreter in the image, the `home` of a virtual environment (PEP 405).
    pub(crate) fn home(&self) -> &str {
        self.interpreter
            .rsplit_once('/')
            .map_or("/", |(dir, _)| if dir.is_empty() { "/" } else { dir })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_print_back() {
        let version: PythonVersion = "3.6.15".parse().unwrap();
        assert_eq!(version.to_string(), "3.6.15");
        assert_eq!((version.nodot(), version.abi_tag()), ("36".to_owned(), "cp36m".to_owned()));
        assert_eq!(PythonVersion::new(3, 11, 7).abi_tag(), "cp311");
        for bad in ["", "3", "3.6", "3.6.x", "3.6.1.2", "3.13.0rc1"] {
            assert_eq!(bad.parse::<PythonVersion>().unwrap_err().found, bad);
        }
    }
}
