//! The locked environment: exact packages with hashes.

use std::path::PathBuf;

use mlpack_oci::Digest;
use serde::{Deserialize, Serialize};

use crate::conda_package::CondaPackage;
use mlpack_requirements::{Target, normalize_name};

/// The folder in the image of an environment that uses the base's interpreter.
pub const BASE_PREFIX: &str = "/opt/mlpack/env";

/// The package of the inference server.
pub const SERVER: &str = "azureml-inference-server-http";

/// What runs the entry script in the image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Server {
    /// The builtin worker, which needs no package.
    #[default]
    Builtin,
    /// Azure's inference server, the package [`SERVER`].
    Azmlinfsrv,
}

impl Server {
    /// Every server.
    pub const ALL: [Self; 2] = [Self::Builtin, Self::Azmlinfsrv];

    /// Returns its name in options and files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Builtin => "builtin",
            Self::Azmlinfsrv => "azmlinfsrv",
        }
    }

    /// Returns the server of a name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|server| server.name() == name)
    }
}

/// Exact packages for one target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedEnvironment {
    /// What it was resolved for: the interpreter of the base, or the one among `conda`.
    pub target: Target,
    /// Its folder in the image, as `/opt/mlpack/env` or `/opt/miniconda/envs/project`.
    pub prefix: String,
    /// Conda packages by name, an interpreter among them; none where the base's interpreter is kept.
    pub conda: Vec<CondaPackage>,
    /// Packages of the `pip:` list and what they need, sorted by name, each name once.
    pub packages: Vec<LockedPackage>,
}

/// One package of a locked environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedPackage {
    /// Normalised name (PEP 503).
    pub name: String,
    /// Version (PEP 440).
    pub version: String,
    /// The one file it is installed from.
    pub artifact: Artifact,
}

/// A file of an index or of this machine, verified by its hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// Wheel or source.
    pub kind: ArtifactKind,
    /// File name, as in `numpy-1.19.5-cp36-cp36m-manylinux2010_x86_64.whl`.
    pub filename: String,
    /// Where it comes from.
    pub origin: ArtifactOrigin,
    /// In bytes, where the index gives it.
    pub size: Option<u64>,
    /// Of its bytes.
    pub sha256: Digest,
}

/// What an artifact is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArtifactKind {
    /// Ready to be installed.
    Wheel,
    /// Source; a wheel is built from it first.
    Sdist,
    /// A folder of sources, of this machine or a repository. Its hash is of its files: paths,
    /// executable bits, bytes.
    Folder,
}

/// Where an artifact comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ArtifactOrigin {
    /// Fetched from here.
    Url(String),
    /// A file or source folder of this machine.
    Path(PathBuf),
    /// A commit of a git repository.
    Git {
        /// Without a password.
        url: String,
        /// Its whole name.
        commit: String,
        /// The folder of the project in it.
        subdirectory: Option<String>,
    },
}

impl LockedEnvironment {
    /// The package of a name, normalised or not.
    pub fn package(&self, name: &str) -> Option<&LockedPackage> {
        let name = normalize_name(name);
        self.packages.iter().find(|package| package.name == name)
    }
}
