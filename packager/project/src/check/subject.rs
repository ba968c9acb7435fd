//! What the checks look at.

use std::path::PathBuf;
use std::sync::OnceLock;

use mlpack_requirements::{CondaFile, Listed, PythonVersion};

use super::packages::Packages;
use super::resolved::Resolved;
use super::{Needs, local_modules};
use crate::analysis::python::{self, EntryScript};
use crate::base::BaseFacts;
use crate::project::{Listing, Project};

/// The kind of service an image is built for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ComputeTarget {
    /// A Docker engine.
    Local,
    /// Azure Container Instances.
    Aci,
    /// Azure Kubernetes Service.
    Aks,
}

impl ComputeTarget {
    /// Returns whether the service runs on Azure.
    pub fn is_azure(self) -> bool {
        self != Self::Local
    }
}

/// A project, its files parsed once, and what is known about where it will run. A stage of checks
/// may run once the facts it [needs](Needs) are filled in.
#[derive(Debug)]
pub struct Subject<'a> {
    /// The project.
    pub project: &'a Project,
    /// The entry script, or why it cannot be read.
    pub script: Result<EntryScript, python::Error>,
    /// The conda file, if there is one.
    pub conda: Option<&'a CondaFile>,
    /// The `pip:` list of the conda file, including the files that it names.
    pub listed: Option<Listed>,
    /// The date after which packages are ignored, if one is set.
    pub exclude_newer: Option<&'a str>,
    /// The image's destination, as written.
    pub output: Option<&'a str>,
    /// Where the service will run, if that is known.
    pub target: Option<ComputeTarget>,
    /// The image's interpreter, if the base image or the conda file decides it.
    pub python: Option<PythonVersion>,
    /// Whether the base image has Spark.
    pub base_has_spark: bool,
    /// Whether the base image runs as root, so that the service gets another user.
    pub base_runs_as_root: bool,
    /// The CUDA version of the base image, `10.0`.
    pub base_cuda: Option<&'a str>,
    /// The packages, once they are resolved and fetched.
    pub resolved: Option<Resolved<'a>>,
    /// The stage in which the interpreter is known.
    pub(super) python_stage: Needs,
    sources: OnceLock<Listing>,
    local: OnceLock<Vec<EntryScript>>,
    packages: OnceLock<Option<Packages>>,
}

impl<'a> Subject<'a> {
    /// Reads and parses the entry script of a project. `listed` is the `pip:` list of `conda`.
    pub fn new(project: &'a Project, conda: Option<&'a CondaFile>, listed: Option<Listed>) -> Self {
        Self {
            project,
            script: EntryScript::load(&project.entry_script),
            conda,
            listed,
            exclude_newer: None,
            output: None,
            target: None,
            python: None,
            base_has_spark: false,
            base_runs_as_root: false,
            base_cuda: None,
            resolved: None,
            python_stage: Needs::Packages,
            sources: OnceLock::new(),
            local: OnceLock::new(),
            packages: OnceLock::new(),
        }
    }

    /// Fills in what the stage [`Needs::Base`] looks at. `python` is the
    /// interpreter of the environment as far as it is known before packages are resolved.
    pub fn set_base(&mut self, facts: &'a BaseFacts, python: Option<PythonVersion>) {
        self.base_has_spark = facts.spark.is_some();
        // Dockerfile lines may name another user.
        self.base_runs_as_root = facts.runs_as_root() && self.project.docker_steps.is_none();
        self.base_cuda = facts.cuda.as_ref().map(|fact| fact.value.as_str());
        self.python = python;
        self.python_stage = if python.is_some() { Needs::Base } else { Needs::Packages };
    }

    /// Fills in what the stage [`Needs::Packages`] looks at.
    pub fn set_packages(&mut self, resolved: Resolved<'a>) {
        self.python = Some(resolved.environment.target.python);
        self.resolved = Some(resolved);
    }

    /// Returns the entry script if it could be parsed.
    pub(super) fn readable(&self) -> Option<&EntryScript> {
        self.script.as_ref().ok().filter(|script| script.syntax_error.is_none())
    }

    /// Returns the entry script and the modules of the project that it imports before the first
    /// request; none if the script could not be parsed.
    pub(super) fn loaded(&self) -> impl Iterator<Item = &EntryScript> {
        let script = self.readable();
        let read = || script.map(|script| local_modules::read(self.project, script));
        let local = self.local.get_or_init(|| read().unwrap_or_default());
        script.into_iter().chain(local)
    }

    /// Returns the packages of the conda file.
    pub(super) fn packages(&self) -> Option<&Packages> {
        let packages = || Some(Packages::new(self.conda?, self.listed.as_ref()?));
        self.packages.get_or_init(packages).as_ref()
    }

    /// Where the conda file, or a list that it names, lists a package.
    pub(super) fn line_of(&self, package: &str) -> Option<(PathBuf, usize)> {
        let name = mlpack_requirements::normalize_name(package);
        self.packages()?.get(&name)?.place()
    }

    /// Returns what goes into the app root besides models; empty if it cannot be read, which
    /// `source.directory` and `script.file` report.
    pub(super) fn source_files(&self) -> &Listing {
        self.sources.get_or_init(|| self.project.source_files().unwrap_or_default())
    }
}
