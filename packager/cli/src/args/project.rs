//! Arguments that describe what is packaged.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use mlpack_oci::Platform;
use mlpack_project::image::ENVIRONMENT_LAYERS;

const PACKAGE_EXAMPLES: &str = "\
Examples:
  mlpack package --ic inferenceconfig.json -m sklearn_regression_model.pkl=model.pkl --output oci:out
  mlpack package --es score.py --cf environment.yml --rt python --bi python:3.11-slim --policy current \\
                 -m first=a.onnx -m second:3=folder --output docker:my-service:v1
  mlpack package --ic inferenceconfig.json -m m=model.pkl --output registry.example.com/team/name:v1

Standard output gets the pinned reference alone; in a registry that is REPOSITORY@DIGEST.";

/// What is packaged, as flags that win over the inference configuration.
#[derive(Debug, Clone, Args)]
pub(crate) struct ProjectArgs {
    /// The inference configuration, JSON or YAML
    #[arg(long, visible_alias = "ic", value_name = "FILE", help_heading = "What is packaged")]
    pub(crate) inference_config: Option<PathBuf>,
    /// A model, a file or a folder; may be repeated
    #[arg(
        long = "model",
        short,
        value_name = "NAME[:VERSION]=PATH",
        help_heading = "What is packaged"
    )]
    pub(crate) models: Vec<String>,
    /// The entry script, with `init()` and `run()`
    #[arg(long, visible_alias = "es", value_name = "FILE", help_heading = "What is packaged")]
    pub(crate) entry_script: Option<String>,
    /// A folder of sources; all of it is packaged
    #[arg(long, visible_alias = "sd", value_name = "DIR", help_heading = "What is packaged")]
    pub(crate) source_directory: Option<String>,
    /// The conda file
    #[arg(long, visible_alias = "cf", value_name = "FILE", help_heading = "What is packaged")]
    pub(crate) conda_file: Option<String>,
    /// `python` or `spark-py`
    #[arg(long, visible_alias = "rt", help_heading = "What is packaged")]
    pub(crate) runtime: Option<String>,
    /// Lines of a Dockerfile: ENV, LABEL, EXPOSE, WORKDIR, USER, COPY and ADD
    #[arg(long, visible_aliases = ["ds", "extra-docker-file-steps"], value_name = "FILE", help_heading = "What is packaged")]
    pub(crate) extra_dockerfile_steps: Option<String>,
    /// An environment variable of the image; may be repeated
    #[arg(
        long = "env",
        visible_alias = "ev",
        value_name = "NAME=VALUE",
        help_heading = "What is packaged"
    )]
    pub(crate) environment_variables: Vec<String>,
    /// A line about the service
    #[arg(long, value_name = "TEXT", help_heading = "What is packaged")]
    pub(crate) description: Option<String>,

    /// The base image; if none is named, the catalogue's for runtime and GPU
    #[arg(long, visible_alias = "bi", value_name = "IMAGE", help_heading = "Base image")]
    pub(crate) base_image: Option<String>,
    /// The registry of the base image
    #[arg(long, visible_alias = "ir", value_name = "HOST", help_heading = "Base image")]
    pub(crate) base_image_registry: Option<String>,
    /// Take a base for GPUs
    #[arg(long, visible_alias = "eg", num_args = 0..=1, default_missing_value = "true", require_equals = true, help_heading = "Base image")]
    pub(crate) enable_gpu: Option<bool>,
    /// Which CUDA the base shall have
    #[arg(long, visible_alias = "cv", value_name = "VERSION", help_heading = "Base image")]
    pub(crate) cuda_version: Option<String>,
    /// What is demanded of the base; `mlpack bases` lists the policies
    #[arg(
        long,
        default_value = "azureml-2019",
        env = "MLPACK_POLICY",
        help_heading = "Base image"
    )]
    pub(crate) policy: String,
    /// A failed requirement to let pass, by its name; may be repeated
    #[arg(long, value_name = "REQUIREMENT", help_heading = "Base image")]
    pub(crate) allow: Vec<String>,
    /// Which image of several
    #[arg(long, default_value = "linux/amd64", help_heading = "Base image")]
    pub(crate) platform: Platform,

    /// Whether the base's interpreter is kept or the environment gets its own from conda packages;
    /// the base's if it satisfies the conda file
    #[arg(long, value_enum, value_name = "WHICH", help_heading = "Packages")]
    pub(crate) environment: Option<EnvironmentArg>,
    /// Layers that packages are spread over: a changed one re-sends its own
    #[arg(long, value_name = "NUMBER", default_value_t = ENVIRONMENT_LAYERS, value_parser = layers, help_heading = "Packages")]
    pub(crate) environment_layers: usize,
    /// Take packages as they were on that day, as in 2019-05-05
    #[arg(long, value_name = "DATE", help_heading = "Packages")]
    pub(crate) exclude_newer: Option<String>,
    /// The lock file; if none is named, mlpack.lock beside the conda file
    #[arg(long, value_name = "FILE", help_heading = "Packages")]
    pub(crate) lock: Option<PathBuf>,
    /// An interpreter of this machine that may build source distributions and make bytecode; may be
    /// repeated
    #[arg(long = "python", value_name = "PATH", help_heading = "Packages")]
    pub(crate) interpreters: Vec<PathBuf>,
    /// Leave out what no service needs: static libraries, headers, tests, caches, manuals
    #[arg(long, help_heading = "Packages")]
    pub(crate) slim: bool,
    /// Add bytecode, so that the service starts sooner; needs a Python of the image's minor version
    #[arg(long, help_heading = "Packages")]
    pub(crate) bytecode: bool,
}

/// Whose interpreter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum EnvironmentArg {
    /// The base's
    Base,
    /// Its own
    New,
}

/// At least one, and fewer than an image may have.
fn layers(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(layers @ 1..=100) => Ok(layers),
        _ => Err("a number from 1 to 100".to_owned()),
    }
}

/// How a lock file is used.
#[derive(Debug, Clone, Copy, Default, Args)]
#[command(next_help_heading = "Packages")]
pub(crate) struct LockUseArgs {
    /// Demand the lock file: fail if there is none or it does not fit
    #[arg(long, conflicts_with = "no_lock")]
    pub(crate) locked: bool,
    /// Resolve anew, as if there were no lock file
    #[arg(long, conflicts_with = "lock")]
    pub(crate) no_lock: bool,
}

/// Arguments of `package`.
#[derive(Debug, Args)]
#[command(after_help = PACKAGE_EXAMPLES)]
pub(crate) struct PackageArgs {
    #[command(flatten)]
    pub(crate) project: ProjectArgs,
    #[command(flatten)]
    pub(crate) lock_use: LockUseArgs,
    /// Where the image goes: `oci:DIR[:TAG]`, `oci-archive:FILE`, `docker-archive:FILE`, `docker:NAME` or
    /// `REGISTRY/REPOSITORY:TAG`
    #[arg(long, short, value_name = "IMAGE", required_unless_present = "dry_run")]
    pub(crate) output: Option<String>,
    /// Print the plan; write nothing but caches. Packages that no earlier run looked into are fetched,
    /// since checks tell what they hold and lack
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// Arguments of `init`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  mlpack init my-service\n  cd my-service && mlpack package --ic inferenceconfig.json -m model=PATH --output oci:image"
)]
pub(crate) struct InitArgs {
    /// The project's folder
    #[arg(default_value = ".")]
    pub(crate) dir: PathBuf,
    /// Name of the service; the folder's if not given
    #[arg(long)]
    pub(crate) name: Option<String>,
}

/// Arguments of `quickstart`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  mlpack quickstart            makes ./mlpack-quickstart and runs it\n  mlpack quickstart demo --no-run"
)]
pub(crate) struct QuickstartArgs {
    /// The sample's folder
    #[arg(default_value = "mlpack-quickstart")]
    pub(crate) dir: PathBuf,
    /// Package and inspect, but run nothing
    #[arg(long)]
    pub(crate) no_run: bool,
    /// The base image; if none is named, the catalogue's if it can be reached, else one made of
    /// this machine's own Python
    #[arg(long, value_name = "IMAGE")]
    pub(crate) base_image: Option<String>,
}
