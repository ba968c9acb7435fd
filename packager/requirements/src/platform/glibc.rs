//! Releases of the GNU C library.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A glibc release by its major and minor number: `Glibc(2, 28)` is 2.28.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Glibc(pub u32, pub u32);

/// A glibc release that cannot be parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a version such as \"2.36\"")]
pub struct GlibcParseError;

impl fmt::Display for Glibc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

impl FromStr for Glibc {
    type Err = GlibcParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (major, minor) = text.split_once('.').ok_or(GlibcParseError)?;
        let number = |text: &str| text.parse().map_err(|_| GlibcParseError);
        Ok(Self(number(major)?, number(minor)?))
    }
}

impl Serialize for Glibc {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Glibc {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_print_back_and_compare_by_number() {
        assert_eq!("2.28".parse::<Glibc>().unwrap().to_string(), "2.28");
        assert!(Glibc(2, 9) < Glibc(2, 17) && Glibc(2, 99) < Glibc(3, 0));
        for bad in ["", "2", "2.", "2.x", "2.28.1", "-2.28"] {
            assert_eq!(bad.parse::<Glibc>(), Err(GlibcParseError), "{bad}");
        }
    }
}
