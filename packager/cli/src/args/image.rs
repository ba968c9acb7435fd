//! Arguments that name images and registries.

use std::path::PathBuf;

use clap::Args;
use mlpack_oci::Platform;

const IMAGES: &str = "\
Images are written as
  oci:DIR[:TAG]                 an OCI image layout
  oci-archive:FILE[:TAG]        a layout in a tar file
  docker-archive:FILE[:NAME]    what `docker save` writes
  docker:NAME                   an image in the Docker engine
  REGISTRY/REPOSITORY[:TAG][@DIGEST]";

/// How to get at registries.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Registry options")]
pub(crate) struct RegistryArgs {
    /// User for the registry of the output, or the only one that is named
    #[arg(long, global = true, value_name = "NAME", requires = "password_stdin")]
    pub(crate) username: Option<String>,
    /// Read the registry's password from standard input
    #[arg(long, global = true, requires = "username")]
    pub(crate) password_stdin: bool,
    /// A file of certificates to trust besides the system's; may be repeated
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) ca_cert: Vec<PathBuf>,
    /// A registry that may be spoken to without TLS; may be repeated. Loopback always may
    #[arg(long, global = true, value_name = "HOST")]
    pub(crate) insecure_registry: Vec<String>,
}

/// Arguments of `check`.
#[derive(Debug, Args)]
#[command(after_help = IMAGES)]
pub(crate) struct CheckArgs {
    /// The base image
    pub(crate) base: String,
    /// What is demanded of it; `mlpack bases` lists the policies
    #[arg(long, default_value = "azureml-2019", env = "MLPACK_POLICY")]
    pub(crate) policy: String,
    /// Which image of several
    #[arg(long, default_value = "linux/amd64")]
    pub(crate) platform: Platform,
}

/// Arguments of `inspect`.
#[derive(Debug, Args)]
#[command(after_help = IMAGES)]
pub(crate) struct InspectArgs {
    /// The image
    pub(crate) image: String,
    /// List the files of all layers, or of one by number or digest
    #[arg(long, value_name = "LAYER", num_args = 0..=1, default_missing_value = "", conflicts_with = "sizes")]
    pub(crate) files: Option<String>,
    /// The largest packages and directories
    #[arg(long)]
    pub(crate) sizes: bool,
    /// Read the layers of an image in a registry too
    #[arg(long)]
    pub(crate) layers: bool,
    /// Which image of several
    #[arg(long, default_value = "linux/amd64")]
    pub(crate) platform: Platform,
}

/// Arguments of `bases`.
#[derive(Debug, Args)]
pub(crate) struct BasesArgs {}

/// Arguments of `push`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  mlpack push oci:out registry.example.com/team/name:v1 registry.example.com/team/name:latest\n  mlpack push oci:out registry.example.com/team/name:v1 --dry-run"
)]
pub(crate) struct PushArgs {
    /// The image: a layout, an archive, or in the Docker engine
    pub(crate) image: String,
    /// Where it goes; several tags of one repository cost one push
    #[arg(required = true, value_name = "REFERENCE")]
    pub(crate) references: Vec<String>,
    /// Tell per blob what would be done, and send nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Which image of several
    #[arg(long, default_value = "linux/amd64")]
    pub(crate) platform: Platform,
}

/// Arguments of `pull`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  mlpack pull python:3.11-slim -o oci:base")]
pub(crate) struct PullArgs {
    /// The image in a registry
    pub(crate) reference: String,
    /// Where it goes: `oci:DIR[:TAG]`, `oci-archive:FILE`, `docker-archive:FILE` or `docker:NAME`
    #[arg(long, short, value_name = "IMAGE")]
    pub(crate) output: String,
    /// Which image of several
    #[arg(long, default_value = "linux/amd64")]
    pub(crate) platform: Platform,
}

/// Arguments of `copy`.
#[derive(Debug, Args)]
#[command(after_help = IMAGES)]
pub(crate) struct CopyArgs {
    /// From where
    pub(crate) source: String,
    /// To where
    pub(crate) destination: String,
    /// Which image of several
    #[arg(long, default_value = "linux/amd64")]
    pub(crate) platform: Platform,
}

/// Arguments of `login` and `logout`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  mlpack login example.azurecr.io --username me --password-stdin < password.txt"
)]
pub(crate) struct LoginArgs {
    /// The registry, as in `example.azurecr.io`
    pub(crate) registry: String,
}
