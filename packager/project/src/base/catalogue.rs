//! Known base images and policies: the data of `base-images/`.

use serde::{Deserialize, Serialize};

use super::facts::BaseFacts;
use super::policy::Policy;
use crate::{Error, Result};

/// A base image that the documents of Azure ML name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownImage {
    /// A short name.
    pub name: String,
    /// As it is pulled.
    pub reference: String,
    /// `linux/amd64`
    pub platform: String,
    /// Runtimes it supports: `python`, `spark-py`.
    pub runtime: Vec<String>,
    /// Whether it is for GPUs.
    pub gpu: bool,
    /// What its publisher states about it.
    pub offers: StatedFacts,
    /// The document that names it.
    pub source: String,
    /// What to know before using it.
    #[serde(default)]
    pub note: Option<String>,
    /// Whether its licence allows it on Azure only.
    #[serde(default)]
    pub azure_only: bool,
    /// The uses for which it is the default base.
    #[serde(default)]
    pub default_for: Vec<Use>,
}

/// Facts of a known image as its publisher states them; [`BaseFacts`] are read from the image.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatedFacts {
    /// Such as `Ubuntu 16.04`.
    #[serde(default)]
    pub os: Option<String>,
    /// Conda's version.
    #[serde(default)]
    pub conda: Option<String>,
    /// Python's version.
    #[serde(default)]
    pub python: Option<String>,
    /// CUDA's version.
    #[serde(default)]
    pub cuda: Option<String>,
}

/// A runtime with or without a GPU.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Use {
    /// `python` or `spark-py`.
    pub runtime: String,
    /// Whether a GPU is needed.
    pub gpu: bool,
}

/// All of `base-images/`.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    /// Known images, sorted by name.
    pub images: Vec<KnownImage>,
    /// Policies, sorted by name.
    pub policies: Vec<Policy>,
}

impl Catalogue {
    /// Parses files given as pairs of path below `base-images/` and text.
    ///
    /// # Errors
    /// [`Error::Data`] with the file and the reason.
    pub fn parse<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self> {
        let mut catalogue = Self::default();
        for (path, text) in files {
            if path.starts_with("policies/") {
                catalogue.policies.push(Policy::parse(path, text)?);
            } else {
                let image = serde_yaml::from_str(text).map_err(|error| Error::Data {
                    what: "base image",
                    name: path.to_owned(),
                    reason: error.to_string(),
                })?;
                catalogue.images.push(image);
            }
        }
        catalogue.images.sort_by(|a, b| a.name.cmp(&b.name));
        catalogue.policies.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(catalogue)
    }

    /// Returns the image to use when none is named.
    pub fn default_for(&self, runtime: &str, gpu: bool) -> Option<&KnownImage> {
        let wanted = Use { runtime: runtime.to_owned(), gpu };
        self.images.iter().find(|image| image.default_for.contains(&wanted))
    }

    /// Returns the known image of a reference, whatever its tag or digest.
    pub fn known(&self, reference: &str) -> Option<&KnownImage> {
        let exact = self.images.iter().find(|image| image.reference == reference);
        exact.or_else(|| {
            self.images.iter().find(|image| repository(&image.reference) == repository(reference))
        })
    }

    /// Returns the policies that a base whose layers have been read meets.
    pub fn accepting(&self, facts: &BaseFacts) -> Vec<&Policy> {
        self.policies.iter().filter(|policy| policy.accepts(facts)).collect()
    }

    /// Returns a policy by name.
    ///
    /// # Errors
    /// [`Error::UnknownPolicy`] with the known names.
    pub fn policy(&self, name: &str) -> Result<&Policy> {
        self.policies.iter().find(|policy| policy.name == name).ok_or_else(|| {
            let known: Vec<_> = self.policies.iter().map(|policy| policy.name.as_str()).collect();
            Error::UnknownPolicy { found: name.to_owned(), known: known.join(", ") }
        })
    }
}

/// Returns a reference without tag and digest.
fn repository(reference: &str) -> &str {
    let bare = reference.split('@').next().unwrap_or(reference);
    let name = bare.rfind('/').map_or(0, |slash| slash + 1);
    bare[name..].find(':').map_or(bare, |colon| &bare[..name + colon])
}
