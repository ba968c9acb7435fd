//! What a run is asked for, and the project's files parsed once.

use std::path::{Path, PathBuf};

use mlpack_lock::LOCK_NAME;
use mlpack_oci::{Location, Platform};
use mlpack_project::check::ComputeTarget;
use mlpack_project::image::{ENVIRONMENT_LAYERS, InterpreterPreference};
use mlpack_project::project::{CondaSource, InferenceConfig, Project, ProjectOptions};
use mlpack_requirements::CondaFile;

use crate::models::{self, ModelArgument};
use crate::selftest::Selftest;
use crate::{PackagesError, Result, Session};

/// Policy of a request that names none.
pub const DEFAULT_POLICY: &str = "azureml-2019";

/// A project, its base and its lock file, as flags and an inference configuration name them.
#[derive(Debug, Clone)]
pub struct ProjectRequest {
    /// The inference configuration.
    pub inference_config: Option<PathBuf>,
    /// The directory of an environment, which wins over the configuration's.
    pub environment_directory: Option<PathBuf>,
    /// Flags that win over it.
    pub options: ProjectOptions,
    /// The models.
    pub models: Vec<ModelArgument>,
    /// The policy that the base must satisfy.
    pub policy: String,
    /// Requirements of it that may fail.
    pub allow: Vec<String>,
    /// Platform to select from a multi-platform base image.
    pub platform: Platform,
    /// Which interpreter to use.
    pub interpreter: Option<InterpreterPreference>,
    /// The lock file; `mlpack.lock` next to the conda file if not given.
    pub lock: Option<PathBuf>,
}

impl ProjectRequest {
    /// A request for `platform` with every other choice at its default.
    pub fn new(platform: Platform) -> Self {
        Self {
            inference_config: None,
            environment_directory: None,
            options: ProjectOptions::default(),
            models: Vec::new(),
            policy: DEFAULT_POLICY.to_owned(),
            allow: Vec::new(),
            platform,
            interpreter: None,
            lock: None,
        }
    }
}

/// An image to make of a project.
#[derive(Debug, Clone)]
pub struct PackageRequest {
    /// The project.
    pub project: ProjectRequest,
    /// How the lock file is used.
    pub lock_use: LockUse,
    /// Whether packages are resolved again although that was done within a day.
    pub refresh: bool,
    /// Number of layers for packages.
    pub environment_layers: usize,
    /// Whether files that no service needs are omitted.
    pub slim: bool,
    /// Whether bytecode is added.
    pub bytecode: bool,
    /// Where the image will be.
    pub destination: Destination,
    /// The test that the image must pass first.
    pub selftest: Option<Selftest>,
}

impl PackageRequest {
    /// A request for a project with every choice at its default.
    pub fn new(project: ProjectRequest) -> Self {
        Self {
            project,
            lock_use: LockUse::default(),
            refresh: false,
            environment_layers: ENVIRONMENT_LAYERS,
            slim: false,
            bytecode: false,
            destination: Destination::default(),
            selftest: None,
        }
    }
}

/// How a lock file is used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LockUse {
    /// Where there is one; packages are resolved again if it is out of date.
    #[default]
    Preferred,
    /// It must exist and be up to date.
    Required,
    /// Not at all.
    Ignored,
}

/// What is known of where an image will be.
#[derive(Debug, Clone, Default)]
pub struct Destination {
    /// The image as the user wrote it.
    pub output: Option<String>,
    /// Whether the base's layers will be needed here, which they are not for a registry.
    pub keep_base_layers: bool,
    /// Where it will run, if that is known.
    pub target: Option<ComputeTarget>,
}

/// The project and its conda file, parsed.
pub(crate) struct Inputs {
    pub(crate) project: Project,
    pub(crate) conda: Option<CondaFile>,
    pub(crate) lock: PathBuf,
}

impl Inputs {
    /// Reads the files that the request names.
    pub(crate) fn read(session: &Session, request: &ProjectRequest) -> Result<Self> {
        let (inputs, fault) = Self::read_most(session, request)?;
        fault.map_or(Ok(inputs), |fault| Err(PackagesError::from(fault).into()))
    }

    /// The same without a conda file that cannot be read, and with what is wrong with it.
    pub(crate) fn read_most(
        session: &Session,
        request: &ProjectRequest,
    ) -> Result<(Self, Option<mlpack_requirements::Error>)> {
        let config = request.inference_config.as_ref();
        let mut config =
            config.map(|path| InferenceConfig::load(&session.cwd.join(path))).transpose()?;
        if let Some(directory) = &request.environment_directory {
            let directory = session.cwd.join(directory);
            config = Some(InferenceConfig::with_environment(config, &directory)?);
        }
        if let Some(config) = &config {
            session.ignored(&config.ignored)?;
            if let Some(place) = &config.named_environment {
                session.reporter.warning(&format!(
                    "{place}: `environment` names an environment of a workspace, which is not read; the conda file counts"
                ));
            }
        }
        let (files, registered) = models::resolve(session, &request.models)?;
        let mut project =
            Project::resolve(config.as_ref(), &request.options, &files, &session.cwd)?;
        project.models.extend(registered);
        // From here on a layout or archive has its prefix, in checks and messages too.
        let base = project.base_image.as_ref().map(|image| session.locate(image));
        if let Some(Ok(base)) = base.filter(|_| project.registry.is_none())
            && is_file(&base)
        {
            project.base_image = Some(base.to_string());
        }
        let (conda, fault) = match conda_file(&project) {
            Ok(conda) => (conda, None),
            Err(fault) => (None, Some(fault)),
        };
        let lock = match &request.lock {
            Some(lock) => session.cwd.join(lock),
            None => default_lock(&project, &session.cwd),
        };
        Ok((Self { project, conda, lock }, fault))
    }

    /// Returns the directory that relative lines of the pip list start from.
    pub(crate) fn directory(&self) -> &Path {
        let beside = self.conda.as_ref().and_then(|conda| conda.path.parent());
        beside.unwrap_or(&self.project.context)
    }
}

fn is_file(location: &Location) -> bool {
    !matches!(location, Location::Engine { .. } | Location::Registry(_))
}

fn conda_file(project: &Project) -> mlpack_requirements::Result<Option<CondaFile>> {
    Ok(match &project.conda {
        // A missing file is a finding of the checks, with the line that names it.
        Some(CondaSource::File(path)) if path.is_file() => Some(CondaFile::load(path)?),
        Some(CondaSource::File(_)) | None => None,
        Some(CondaSource::Inline(document)) => Some(CondaFile::read(document)?),
    })
}

/// Returns the lock file next to the conda file, or in the current directory without one.
fn default_lock(project: &Project, cwd: &Path) -> PathBuf {
    let beside = project.conda.as_ref().and_then(|source| source.path().parent());
    beside.unwrap_or(cwd).join(LOCK_NAME)
}
