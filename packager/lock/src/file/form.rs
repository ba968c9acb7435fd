//! A lock file as TOML has it, beside its packages.

use mlpack_requirements::{Architecture, Glibc, PythonVersion};
use serde::Deserialize;
use toml::Spanned;

use crate::environment::Server;

use super::package_form::{CondaForm, PipForm, Sha256};

/// Only the version, which decides how the rest is read.
#[derive(Debug, Deserialize)]
pub(crate) struct Version {
    pub format: Spanned<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Form {
    #[serde(rename = "format")]
    pub _format: u32,
    pub server: Option<Spanned<String>>,
    pub inputs: InputsForm,
    pub base: BaseForm,
    pub target: TargetForm,
    #[serde(default)]
    pub conda: Vec<Spanned<CondaForm>>,
    #[serde(default)]
    pub pip: Vec<Spanned<PipForm>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[derive(Default)]
pub(crate) struct InputsForm {
    /// Files without it were written when every environment had Azure's server.
    pub server: Option<Server>,
    pub conda: Vec<String>,
    pub channels: Vec<String>,
    pub pip: Vec<String>,
    pub exclude_newer: Option<String>,
    pub indexes: Vec<String>,
    pub files: Vec<FileForm>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileForm {
    pub path: String,
    pub sha256: Sha256,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BaseForm {
    pub reference: Option<String>,
    pub digest: mlpack_oci::Digest,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TargetForm {
    pub python: PythonVersion,
    pub interpreter: String,
    pub prefix: String,
    pub architecture: Architecture,
    pub glibc: Glibc,
    pub cuda: Option<String>,
}
