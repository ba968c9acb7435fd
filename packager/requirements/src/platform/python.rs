//! Releases of CPython.

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
    pub fn nodot(&self) -> String {
        format!("{}{}", self.major, self.minor)
    }

    /// The ABI tag of a release build; `m` for pymalloc was part of it up to 3.7 (PEP 425, bpo-36707).
    pub fn abi_tag(&self) -> String {
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
