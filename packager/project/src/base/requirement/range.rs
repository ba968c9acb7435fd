//! Ranges of versions, as Python packaging writes them: `>=4.5`.

use std::fmt;
use std::str::FromStr as _;

use pep440_rs::{Version, VersionSpecifiers};
use serde::Deserialize;

/// A range that prints as it was written.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Range {
    text: String,
    specifiers: VersionSpecifiers,
}

impl Range {
    /// Returns whether a version of a system or a tool is in the range. Such versions compare as
    /// PEP 440 compares releases: number by number.
    pub(super) fn contains(&self, version: &str) -> bool {
        Version::from_str(version).is_ok_and(|version| self.specifiers.contains(&version))
    }
}

impl TryFrom<String> for Range {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let specifiers =
            VersionSpecifiers::from_str(&text).map_err(|error| format!("`{text}`: {error}"))?;
        Ok(Self { text, specifiers })
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
