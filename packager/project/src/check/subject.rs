//! What the checks look at.

use std::path::PathBuf;
use std::sync::OnceLock;

use mlpack_requirements::{CondaFile, Listed, PythonVersion};

use super::packages::Packages;
use super::resolved::Resolved;
use crate::project::{Listing, Project};
use crate::script::EntryScript;

/// A project and what is known about where it will run. What is not known is left out, and checks
/// that need it say nothing.
#[derive(Debug)]
pub struct Subject<'a> {
    /// The project.
    pub project: &'a Project,
    /// The entry script, if it could be read.
    pub script: Option<&'a EntryScript>,
    /// The conda file, if there is one.
    pub conda: Option<&'a CondaFile>,
    /// Its `pip:` list with the files that it names, if there is one.
    pub listed: Option<&'a Listed>,
    /// The interpreter of the image.
    pub python: Option<PythonVersion>,
    /// The packages; nothing before they are resolved and fetched.
    pub resolved: Option<Resolved<'a>>,
    /// The day or moment whose packages are taken, where one is asked for.
    pub exclude_newer: Option<&'a str>,
    /// Whether they are going to be, so that guesses about them can wait.
    pub will_resolve: bool,
    /// Whether the base image has Spark.
    pub base_has_spark: bool,
    /// Whether the base image has a web server of its own for entry scripts.
    pub base_has_server: bool,
    /// The CUDA version of the base image, `10.0`.
    pub base_cuda: Option<&'a str>,
    /// Whether the service will run on Azure; nothing if that is not decided.
    pub target_is_azure: Option<bool>,
    /// Whether the service will run on Azure Container Instances.
    pub target_is_aci: bool,
    /// Where the image goes, as written.
    pub output: Option<&'a str>,
    /// What is packed besides models; read when a check first asks for it.
    pub sources: OnceLock<Listing>,
}

impl<'a> Subject<'a> {
    /// A project of which nothing else is known.
    pub fn new(project: &'a Project) -> Self {
        Self {
            project,
            script: None,
            conda: None,
            listed: None,
            python: None,
            resolved: None,
            exclude_newer: None,
            will_resolve: false,
            base_has_spark: false,
            base_has_server: false,
            base_cuda: None,
            target_is_azure: None,
            target_is_aci: false,
            output: None,
            sources: OnceLock::new(),
        }
    }

    /// The entry script if it could be parsed.
    pub(super) fn readable(&self) -> Option<&'a EntryScript> {
        self.script.filter(|script| script.readable)
    }

    /// The packages of the conda file.
    pub(super) fn packages(&self) -> Option<Packages> {
        Some(Packages::new(self.conda?, self.listed?))
    }

    /// Where the conda file, or a list that it names, asks for a package.
    pub(super) fn line_of(&self, package: &str) -> Option<(PathBuf, usize)> {
        let name = mlpack_requirements::normalize_name(package);
        self.packages()?.get(&name)?.place()
    }

    /// What goes into the app root besides models; empty if it cannot be read, which
    /// `source.directory` and `script.file` say.
    pub(super) fn source_files(&self) -> &Listing {
        self.sources.get_or_init(|| self.project.source_files().unwrap_or_default())
    }
}
