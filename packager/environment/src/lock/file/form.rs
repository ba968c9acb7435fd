//! A lock file as TOML has it, beside its packages.

use mlpack_requirements::{Architecture, PythonVersion};
use serde::{Deserialize, Deserializer};
use toml::Spanned;

use super::package_form::{CondaForm, PipForm, Sha256};

/// Only the version, which decides how the rest is read.
#[derive(Debug, Deserialize)]
pub(super) struct Version {
    pub(super) format: Spanned<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Form {
    #[serde(rename = "format")]
    pub(super) _format: u32,
    pub(super) server: Option<Spanned<String>>,
    pub(super) inputs: InputsForm,
    pub(super) base: BaseForm,
    pub(super) target: TargetForm,
    #[serde(default)]
    pub(super) conda: Vec<Spanned<CondaForm>>,
    #[serde(default)]
    pub(super) pip: Vec<Spanned<PipForm>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[derive(Default)]
pub(super) struct InputsForm {
    pub(super) conda: Vec<String>,
    pub(super) channels: Vec<String>,
    pub(super) pip: Vec<String>,
    pub(super) exclude_newer: Option<String>,
    pub(super) indexes: Vec<String>,
    pub(super) files: Vec<FileForm>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileForm {
    pub(super) path: String,
    pub(super) sha256: Sha256,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BaseForm {
    pub(super) reference: Option<String>,
    pub(super) digest: mlpack_oci::Digest,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TargetForm {
    pub(super) python: PythonVersion,
    pub(super) interpreter: String,
    pub(super) prefix: String,
    pub(super) architecture: Architecture,
    pub(super) glibc: Glibc,
    pub(super) cuda: Option<String>,
}

/// `2.36`
#[derive(Debug)]
pub(super) struct Glibc(pub(super) (u32, u32));

impl<'de> Deserialize<'de> for Glibc {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let parts = text.split_once('.');
        let version =
            parts.and_then(|(major, minor)| Some((major.parse().ok()?, minor.parse().ok()?)));
        let bad = || serde::de::Error::custom("expected a version such as \"2.36\"");
        version.map(Self).ok_or_else(bad)
    }
}
