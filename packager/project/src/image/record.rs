//! What mlpack writes into an image about the image: one label, so that `inspect` needs no layer.

use mlpack_oci::{DiffId, Digest, Image};
use serde::{Deserialize, Serialize};

use crate::base::{FactLine, Verdict};

/// The label of the config that holds a [`Record`] as JSON.
pub const LABEL: &str = mlpack_oci::labels::IMAGE;

/// How an image was made. Nothing in it depends on the machine it was made on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// Version of this record's form.
    pub format: u32,
    /// Version of mlpack.
    pub mlpack: String,
    /// The base it stands on.
    pub base: BaseRecord,
    /// How the base's requirements came out.
    pub policy: PolicyRecord,
    /// The entry script below the app root.
    pub entry_script: String,
    /// The folder of sources below the app root, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_directory: Option<String>,
    /// Models by name and version.
    pub models: Vec<ModelRecord>,
    /// The interpreter.
    pub python: PythonRecord,
    /// `name=version=build` of every conda package of the environment.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conda_packages: Vec<String>,
    /// `name==version` of every package from the pip list.
    pub packages: Vec<String>,
    /// New layers from the bottom up.
    pub layers: Vec<LayerRecord>,
}

/// The base of an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BaseRecord {
    /// Its reference, if it came from a registry or the engine; a path would only be true here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Digest of its manifest.
    pub digest: Digest,
    /// What it offers.
    pub facts: Vec<FactLine>,
}

/// A policy and its outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyRecord {
    /// The policy's name.
    pub name: String,
    /// Its requirements held against the base.
    pub verdicts: Vec<Verdict>,
    /// Failed requirements that `--allow` let pass.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed: Vec<String>,
}

/// One model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelRecord {
    /// As `Model.get_model_path` asks for it.
    pub name: String,
    /// 0 if it was never registered.
    pub version: u32,
    /// The one entry of its folder: the name of the file or folder it was given as.
    pub entry: String,
    /// Sum of its files in bytes.
    pub size: u64,
    /// Digest of its layer's content; names the model wherever it is packed.
    pub digest: DiffId,
}

/// The interpreter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PythonRecord {
    /// Full version.
    pub version: String,
    /// The executable: the base's, or the environment's own.
    pub interpreter: String,
    /// Where the environment lies.
    pub prefix: String,
}

/// One new layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerRecord {
    /// What it is for.
    pub role: Role,
    /// `NAME:VERSION` of a model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Digest of its content.
    pub diff_id: DiffId,
}

/// What a layer is for, in the order of how rarely they change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// The environment's packages.
    Packages,
    /// The launcher and the folders of the contract.
    Server,
    /// Files of extra Dockerfile lines.
    Steps,
    /// One model.
    Model,
    /// Entry script and sources.
    Code,
}

impl Role {
    /// The word for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Packages => "packages",
            Self::Server => "server",
            Self::Steps => "steps",
            Self::Model => "model",
            Self::Code => "code",
        }
    }
}

impl Record {
    /// Whether the interpreter is the environment's own.
    pub fn is_new(&self) -> bool {
        !self.conda_packages.is_empty()
    }

    /// The record of an image that mlpack made.
    pub fn of(image: &Image) -> Option<Self> {
        let config = image.config.config().as_ref()?;
        serde_json::from_str(config.labels().as_ref()?.get(LABEL)?).ok()
    }
}
