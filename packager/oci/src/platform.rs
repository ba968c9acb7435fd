//! The platform of an image.

use std::fmt;
use std::str::FromStr;

/// Operating system, architecture and variant, as in `linux/arm64/v8`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Platform {
    /// Go's name: `linux`.
    pub os: String,
    /// Go's name: `amd64`, `arm64`.
    pub architecture: String,
    /// For example `v8`.
    pub variant: Option<String>,
}

impl Platform {
    /// `linux/amd64`, what Azure Machine Learning ran on.
    pub fn linux_amd64() -> Self {
        Self { os: "linux".to_owned(), architecture: "amd64".to_owned(), variant: None }
    }

    /// Returns whether an image for the given platform runs on this one. Variants are compared only
    /// if both have one.
    pub fn serves(&self, os: &str, architecture: &str, variant: Option<&str>) -> bool {
        self.os == os
            && self.architecture == architecture
            && match (self.variant.as_deref(), variant) {
                (Some(wanted), Some(found)) => wanted == found,
                _ => true,
            }
    }
}

impl Platform {
    /// Returns whether a variant is the one of this platform, where none means what every machine of the architecture
    /// has (containerd, platforms/database.go).
    pub(crate) fn is_same_variant(&self, other: Option<&str>) -> bool {
        let plain = match self.architecture.as_str() {
            "amd64" => "v1",
            "arm64" => "v8",
            "arm" => "v7",
            _ => "",
        };
        let named = |variant: Option<&str>| {
            variant.filter(|text| !text.is_empty()).unwrap_or(plain).to_owned()
        };
        named(self.variant.as_deref()) == named(other)
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        self.variant.as_ref().map_or(Ok(()), |variant| write!(f, "/{variant}"))
    }
}

impl FromStr for Platform {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.split('/').collect();
        let (os, architecture, variant) = match parts[..] {
            [os, architecture] => (os, architecture, None),
            [os, architecture, variant] => (os, architecture, Some(variant)),
            _ => ("", "", None),
        };
        if os.is_empty() || architecture.is_empty() {
            return Err(format!(
                "invalid platform `{text}`; expected OS/ARCHITECTURE[/VARIANT], as in `linux/amd64`"
            ));
        }
        Ok(Self {
            os: os.to_owned(),
            architecture: architecture.to_owned(),
            variant: variant.map(str::to_owned),
        })
    }
}
