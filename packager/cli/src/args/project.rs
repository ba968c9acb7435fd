//! What is packaged, and how.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use mlpack_packages::Settings;
use mlpack_project::image::{ENVIRONMENT_LAYERS, InterpreterPreference};
use mlpack_project::project::ProjectOptions;
use mlpack_workflow::{
    DEFAULT_POLICY, LockUse, ModelArgument, PackageRequest, ProjectRequest, Session,
};

use super::options::OptionFlags;
use super::{PlatformArgs, WorkspaceArgs};
use crate::failure::{Failure, Result};
use crate::settings::variable;

/// A project on its base, as flags that win over the inference configuration.
#[derive(Debug, Clone, Args)]
pub(crate) struct ProjectArgs {
    /// Inference configuration, JSON or YAML
    #[arg(
        long,
        visible_alias = "ic",
        alias = "inference-config-file",
        value_name = "FILE",
        help_heading = "Project"
    )]
    inference_config: Option<PathBuf>,
    /// Refuse unknown keys in configurations instead of ignoring them
    #[arg(long, help_heading = "Project")]
    strict: bool,
    /// Model: `NAME[:VERSION]=PATH` for a file or directory, `NAME[:VERSION]` or `NAME@ALIAS` for a registered one (can be
    /// repeated)
    #[arg(long = "model", short, value_name = "MODEL", help_heading = "Project")]
    models: Vec<String>,
    /// File that names a registered model, as `mlpack model register -t` writes it (can be repeated)
    #[arg(long, short = 'f', value_name = "FILE", help_heading = "Project")]
    model_metadata_file: Vec<PathBuf>,
    #[command(flatten, next_help_heading = "Project")]
    workspace: WorkspaceArgs,
    /// Directory of an environment, as `az ml environment download` writes it
    #[arg(long, visible_alias = "ed", value_name = "DIR", help_heading = "Project")]
    environment_directory: Option<PathBuf>,
    /// Name of an environment in an Azure workspace, which is refused with a hint
    #[arg(long, short = 'e', value_name = "NAME", hide = true)]
    environment_name: Option<String>,
    #[command(flatten)]
    options: OptionFlags,
    /// Set an environment variable in the image (can be repeated)
    #[arg(long = "env", visible_alias = "ev", value_name = "NAME=VALUE", help_heading = "Project")]
    environment_variables: Vec<String>,

    #[command(flatten, next_help_heading = "Base image")]
    policy: PolicyArgs,
    /// Ignore a failed requirement, or only warn of what a check finds, as in script.imports (can be
    /// repeated)
    #[arg(long, value_name = "NAME", help_heading = "Base image")]
    allow: Vec<String>,
    #[command(flatten, next_help_heading = "Base image")]
    platform: PlatformArgs,

    /// Python to use [default: the base image's if it satisfies the conda file]
    #[arg(long, value_enum, value_name = "WHICH", help_heading = "Packages")]
    environment: Option<EnvironmentArg>,
    /// Ignore packages uploaded after this date, as in 2019-05-05
    #[arg(long, value_name = "DATE", help_heading = "Packages")]
    exclude_newer: Option<String>,
    /// Lock file [default: mlpack.lock next to the conda file]
    #[arg(long, value_name = "FILE", help_heading = "Packages")]
    lock: Option<PathBuf>,
    /// Host Python to build source distributions with (can be repeated)
    #[arg(long = "python", value_name = "PATH", help_heading = "Packages")]
    interpreters: Vec<PathBuf>,
    /// Number of layers for packages; more layers make updates smaller
    #[arg(long, value_name = "NUMBER", default_value_t = ENVIRONMENT_LAYERS, value_parser = layers, help_heading = "Packages")]
    environment_layers: usize,
    /// Omit static libraries, headers, tests, caches and manuals
    #[arg(long, help_heading = "Packages")]
    slim: bool,
    /// Add bytecode for a faster start; needs a host Python of the image's minor version
    #[arg(long, help_heading = "Packages")]
    bytecode: bool,
}

/// The policy of a base image.
#[derive(Debug, Clone, Args)]
pub(crate) struct PolicyArgs {
    // Not clap's `env`: a variable that is set would appear in every usage line.
    /// Policy the base image must satisfy (see `mlpack bases`) [env: MLPACK_POLICY] [default:
    /// azureml-2019]
    #[arg(long)]
    policy: Option<String>,
}

/// How a lock file is used.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct LockUseArgs {
    /// Require an up-to-date lock file
    #[arg(long, conflicts_with = "no_lock", help_heading = "Packages")]
    locked: bool,
    /// Ignore the lock file
    #[arg(long, conflicts_with = "lock", help_heading = "Packages")]
    no_lock: bool,
    /// Resolve packages again; without a lock file, the result of the last day is used
    #[arg(long, conflicts_with = "locked", help_heading = "Packages")]
    refresh: bool,
}

/// Which Python.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum EnvironmentArg {
    /// The base image's
    Base,
    /// A new one from conda packages
    New,
}

/// Parses at least one layer, and fewer than an image may have.
fn layers(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(layers @ 1..=100) => Ok(layers),
        _ => Err("expected a number from 1 to 100".to_owned()),
    }
}

impl PolicyArgs {
    /// Returns the name of the policy.
    pub(crate) fn name(&self) -> String {
        let named = self.policy.clone().or_else(|| variable("MLPACK_POLICY"));
        named.unwrap_or_else(|| DEFAULT_POLICY.to_owned())
    }
}

impl LockUseArgs {
    fn lock_use(self) -> LockUse {
        match self {
            Self { locked: true, .. } => LockUse::Required,
            Self { no_lock: true, .. } => LockUse::Ignored,
            _ => LockUse::Preferred,
        }
    }
}

impl ProjectArgs {
    /// Returns the image to make of the project.
    pub(crate) fn packaging(&self, lock_use: LockUseArgs) -> Result<PackageRequest> {
        Ok(PackageRequest {
            lock_use: lock_use.lock_use(),
            refresh: lock_use.refresh,
            environment_layers: self.environment_layers,
            slim: self.slim,
            bytecode: self.bytecode,
            ..PackageRequest::new(self.request()?)
        })
    }

    /// Adds the flags to how packages are resolved.
    pub(crate) fn add_to(&self, settings: Settings, cwd: &Path) -> Settings {
        Settings {
            interpreters: self.interpreters.iter().map(|path| cwd.join(path)).collect(),
            exclude_newer: self.exclude_newer.clone(),
            ..settings
        }
    }

    /// Adds the workspace to a session.
    pub(crate) fn in_workspace(&self, session: Session) -> Session {
        self.workspace.add_to(session)
    }

    /// Whether they describe an image.
    pub(crate) fn is_given(&self) -> bool {
        let options = ProjectOptions { description: None, ..self.options.0.clone() };
        !self.models.is_empty()
            || !self.model_metadata_file.is_empty()
            || self.inference_config.is_some()
            || self.environment_directory.is_some()
            || options != ProjectOptions::default()
    }

    /// Returns the variables that are set.
    pub(crate) fn variables(&self) -> Result<Vec<(String, String)>> {
        variables(&self.environment_variables)
    }

    /// Returns the description of the service.
    pub(crate) fn description(&self) -> Option<String> {
        self.options.0.description.clone()
    }

    /// Whether unknown keys of configurations are errors.
    pub(crate) fn is_strict(&self) -> bool {
        self.strict
    }

    /// Returns the first host Python that is named.
    pub(crate) fn python(&self) -> Option<&Path> {
        self.interpreters.first().map(PathBuf::as_path)
    }

    /// Returns the check of a base image that they ask for.
    pub(crate) fn base_check(&self, image: &str) -> mlpack_workflow::base::Request {
        mlpack_workflow::base::Request {
            image: image.to_owned(),
            policy: self.policy.name(),
            platform: self.platform.platform.clone(),
        }
    }

    /// Returns the models that they name.
    pub(crate) fn models(&self) -> Result<Vec<ModelArgument>> {
        let models = self.models.iter().map(|text| text.parse::<ModelArgument>());
        let named = self.model_metadata_file.iter().map(|file| ModelArgument::load(file));
        Ok(models.chain(named).collect::<Result<_, _>>()?)
    }

    /// Returns the project that they describe.
    pub(crate) fn request(&self) -> Result<ProjectRequest> {
        if let (Some(name), None) = (&self.environment_name, &self.environment_directory) {
            return Err(Failure::usage(
                format!("cannot look up the environment `{name}`: there is no Azure workspace"),
                format!(
                    "download it with `az ml environment download -n {name} -d DIR`, then use `--ed DIR`"
                ),
            ));
        }
        let models = self.models()?;
        let mut options = self.options.0.clone();
        options.environment_variables = self.variables()?;
        Ok(ProjectRequest {
            inference_config: self.inference_config.clone(),
            environment_directory: self.environment_directory.clone(),
            options,
            models,
            policy: self.policy.name(),
            allow: self.allow.clone(),
            platform: self.platform.platform.clone(),
            interpreter: self.environment.map(|which| match which {
                EnvironmentArg::Base => InterpreterPreference::Base,
                EnvironmentArg::New => InterpreterPreference::New,
            }),
            lock: self.lock.clone(),
        })
    }
}

/// Parses `NAME=VALUE` pairs.
pub(crate) fn variables(texts: &[String]) -> Result<Vec<(String, String)>> {
    let pair = |text: &String| match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(Failure::usage(format!("`{text}` is not a variable"), "write it as NAME=VALUE")),
    };
    texts.iter().map(pair).collect()
}
