//! Everything that goes into an image, as it is meant: the file and the flags in one, paths looked
//! up, models found.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use mlpack_documents::Document;
use mlpack_lock::Server;

use super::{EnvironmentForm, Error, Listing, Model, RegistryAccess, Result, Runtime};

/// Folders of a source directory that never go into the image. The service of 2019 took them too,
/// and ignored nothing else either (docs/azureml-2019.md#2.5); neither means anything at run time.
const LEFT_OUT: &[&str] = &[".git", "__pycache__"];

/// Where the conda file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CondaSource {
    /// A file.
    File(PathBuf),
    /// A part of the inference configuration, with its places.
    Inline(Document),
}

/// A project as it is meant. Files may still be missing: the checks say so.
#[derive(Debug)]
pub struct Project {
    /// The inference configuration, if there is one.
    pub config: Option<PathBuf>,
    /// Lines of the configuration's values that are in force, by key.
    pub lines: BTreeMap<&'static str, usize>,
    /// The entry script on this machine.
    pub entry_script: PathBuf,
    /// The source directory on this machine.
    pub source_directory: Option<SourceDirectory>,
    /// The conda file.
    pub conda: Option<CondaSource>,
    /// The models that were found, in the order given.
    pub models: Vec<Model>,
    /// Why the other models were not.
    pub model_errors: Vec<Error>,
    /// What runs the entry script.
    pub runtime: Runtime,
    /// What runs the entry script in the image.
    pub server: Server,
    /// Whether a GPU is wanted.
    pub gpu: bool,
    /// The CUDA version that is wanted.
    pub cuda_version: Option<String>,
    /// The base image as written, without its registry.
    pub base_image: Option<String>,
    /// How to get at the base image's registry.
    pub registry: Option<RegistryAccess>,
    /// The file of extra Dockerfile lines.
    pub docker_steps: Option<PathBuf>,
    /// Folder that COPY and ADD of these lines start from.
    pub context: PathBuf,
    /// Environment variables of the image.
    pub environment_variables: BTreeMap<String, String>,
    /// A line about the service.
    pub description: Option<String>,
    /// Flat keys that stand beside an `environment`, with their lines.
    pub flat_keys: Vec<(&'static str, usize)>,
    /// The `environment` of the configuration.
    pub environment: Option<EnvironmentForm>,
}

/// The folder whose whole content is packed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceDirectory {
    /// On this machine.
    pub path: PathBuf,
    /// Its folder below the app root.
    pub name: String,
}

impl CondaSource {
    /// The file that holds it.
    pub fn path(&self) -> &Path {
        match self {
            Self::File(path) => path,
            Self::Inline(document) => &document.path,
        }
    }
}

impl Project {
    /// Where the entry script lies below the app root (docs/azureml-2019.md#2.5): inside the source
    /// directory's folder, or alone by its name. Nothing if it is outside the source directory.
    pub fn entry_script_in_image(&self) -> Option<String> {
        let Some(source) = &self.source_directory else {
            return Some(self.entry_script.file_name()?.to_str()?.to_owned());
        };
        let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        // First as written, so that a link inside the folder keeps its place.
        let below = self
            .entry_script
            .strip_prefix(&source.path)
            .map(Path::to_owned)
            .or_else(|_| {
                real(&self.entry_script).strip_prefix(real(&source.path)).map(Path::to_owned)
            })
            .ok()?;
        Some(format!("{}/{}", source.name, below.to_str()?))
    }

    /// What goes into the app root besides models: the whole source directory without `.git` and
    /// `__pycache__`, or the entry script alone (docs/azureml-2019.md#2.5).
    ///
    /// # Errors
    /// [`Error::Read`] if the folder or script cannot be read.
    pub fn source_files(&self) -> Result<Listing> {
        match &self.source_directory {
            Some(source) => Listing::of(&source.path, &source.name, LEFT_OUT),
            None => {
                let name = self.entry_script.file_name().and_then(|name| name.to_str());
                let name = name.ok_or_else(|| Error::Unpackable {
                    path: self.entry_script.clone(),
                    reason: "it has no name in UTF-8",
                })?;
                Listing::of(&self.entry_script, name, LEFT_OUT)
            }
        }
    }

    /// The base image with its registry in front, where one is given apart.
    pub fn base_reference(&self) -> Option<String> {
        let image = self.base_image.as_ref()?;
        let address = self.registry.as_ref().and_then(|registry| registry.address.as_deref());
        let address = address.map(|address| {
            let bare = address.trim_start_matches("https://").trim_start_matches("http://");
            bare.trim_end_matches('/')
        });
        Some(match address {
            Some(address) if !image.starts_with(&format!("{address}/")) => {
                format!("{address}/{image}")
            }
            _ => image.clone(),
        })
    }

    /// The configuration and the line of a key, where a finding points to.
    pub fn place_of(&self, key: &str) -> Option<(PathBuf, usize)> {
        Some((self.config.clone()?, *self.lines.get(key)?))
    }
}
