//! What mlpack records in an image about the image: one label, so that `inspect` needs no layer.

use mlpack_lock::Server;
use mlpack_oci::{DiffId, Digest, Image};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::base::{FactLine, Verdict};

/// The label of the config that contains a [`Record`] as JSON.
pub const LABEL: &str = mlpack_oci::labels::IMAGE;

/// How an image was made. Nothing in it depends on the machine it was made on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// Version of this record's format.
    pub format: u32,
    /// Version of mlpack.
    pub mlpack: String,
    /// Its base.
    pub base: BaseRecord,
    /// How the base meets its policy.
    pub policy: PolicyRecord,
    /// The entry script below the app root.
    pub entry_script: String,
    /// The folder of sources below the app root, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_directory: Option<String>,
    /// What runs the entry script; images without it have Azure's inference server.
    #[serde(default = "azmlinfsrv")]
    pub server: Server,
    /// Models by name and version.
    pub models: Vec<ModelRecord>,
    /// The interpreter.
    pub python: PythonRecord,
    /// Every conda package of the environment, as `name=version=build`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conda_packages: Vec<PackageRecord>,
    /// Every package from the pip list, as `name==version`.
    pub packages: Vec<PackageRecord>,
    /// New layers from the bottom up.
    pub layers: Vec<LayerRecord>,
}

fn azmlinfsrv() -> Server {
    Server::Azmlinfsrv
}

/// The base of an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BaseRecord {
    /// Its reference, if it came from a registry; a path would not be valid elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Digest of its manifest.
    pub digest: Digest,
    /// Its facts.
    pub facts: Vec<FactLine>,
}

/// A policy and its outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyRecord {
    /// The policy's name.
    pub name: String,
    /// The verdicts of its requirements.
    pub verdicts: Vec<Verdict>,
    /// Failed requirements that `--allow` ignored.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed: Vec<String>,
}

/// One model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelRecord {
    /// The argument of `Model.get_model_path`.
    pub name: String,
    /// 0 if it was not registered.
    pub version: u32,
    /// The only entry of its folder: the name of the model's file or folder.
    pub entry: String,
    /// Sum of its files in bytes.
    pub size: u64,
    /// Digest of its layer's content; the same in every image that has the model.
    pub digest: DiffId,
}

/// The interpreter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PythonRecord {
    /// Full version.
    pub version: String,
    /// The executable: the base's, or a separate one of the environment.
    pub interpreter: String,
    /// The environment's folder.
    pub prefix: String,
}

impl PythonRecord {
    /// Returns the environment's executable, which starts the worker.
    pub fn executable(&self) -> String {
        format!("{}/bin/python", self.prefix)
    }
}

/// A package: `name==version`, or `name=version=build` if it is conda's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageRecord {
    /// Normalised name.
    pub name: String,
    /// Version.
    pub version: String,
    /// Conda's build string.
    pub build: Option<String>,
}

impl Serialize for PackageRecord {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let Self { name, version, build } = self;
        match build {
            Some(build) => to.collect_str(&format_args!("{name}={version}={build}")),
            None => to.collect_str(&format_args!("{name}=={version}")),
        }
    }
}

impl<'de> Deserialize<'de> for PackageRecord {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let parts: Vec<&str> = text.splitn(3, '=').collect();
        let [name, second, third] = parts[..] else {
            return Err(serde::de::Error::custom(format!("`{text}` is not a package")));
        };
        let (version, build) =
            if second.is_empty() { (third, None) } else { (second, Some(third.to_owned())) };
        Ok(Self { name: name.to_owned(), version: version.to_owned(), build })
    }
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
    /// The front door, the builtin worker or the launcher, and the folders of the contract.
    Server,
    /// Files of extra Dockerfile lines.
    Steps,
    /// One model.
    Model,
    /// Entry script and sources.
    Code,
}

impl Role {
    /// Returns its name in output.
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
    /// Returns whether the environment has a separate interpreter.
    pub fn is_new(&self) -> bool {
        !self.conda_packages.is_empty()
    }

    /// Returns the record of an image that mlpack made.
    pub fn of(image: &Image) -> Option<Self> {
        let config = image.config.config().as_ref()?;
        serde_json::from_str(config.labels().as_ref()?.get(LABEL)?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_recorded_as_text() {
        for (text, version, build) in [
            ("numpy==1.19.5", "1.19.5", None),
            ("python=3.8.2=h_cpython", "3.8.2", Some("h_cpython")),
            ("odd==1=2", "1=2", None),
        ] {
            let json = format!("\"{text}\"");
            let package: PackageRecord = serde_json::from_str(&json).unwrap();
            assert_eq!((package.version.as_str(), package.build.as_deref()), (version, build));
            assert_eq!(serde_json::to_string(&package).unwrap(), json);
        }
        assert!(serde_json::from_str::<PackageRecord>("\"numpy\"").is_err());
    }
}
