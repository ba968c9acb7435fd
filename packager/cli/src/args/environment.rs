//! Arguments of `lock` and `env`.

use clap::{ArgAction, Args, Subcommand};
use mlpack_oci::Platform;

use super::ProjectArgs;

const LOCK_EXAMPLES: &str = "\
Examples:
  mlpack lock --ic inferenceconfig.json --bi python:3.11-slim --policy current
  mlpack lock --cf environment.yml --bi python:3.11-slim --policy current --update numpy
  mlpack lock --ic inferenceconfig.json --check

`package` and `model deploy` use the file where it fits the conda file and the base. Give both
commands the same arguments.";

const SOURCES: &str = "\
Examples:
  mlpack env list .                                      the project in this folder
  mlpack env list registry.example.com/team/digits:v1
  mlpack env diff registry.example.com/team/digits:v1 mlpack.lock

A source is
  a folder, an inference configuration or a conda file   the mlpack.lock beside the conda file
  a lock file
  an image, written as for `mlpack inspect`";

/// Arguments of `lock`.
#[derive(Debug, Args)]
#[command(after_help = LOCK_EXAMPLES)]
pub(crate) struct LockArgs {
    #[command(flatten)]
    pub(crate) project: ProjectArgs,
    /// Take the newest that fit: of all packages, or of those named; may be repeated
    #[arg(long, value_name = "PACKAGE", num_args = 0..=1, default_missing_value = "", action = ArgAction::Append)]
    pub(crate) update: Vec<String>,
    /// Write nothing; exit with 3 if the lock file does not fit
    #[arg(long, conflicts_with = "update")]
    pub(crate) check: bool,
}

/// Commands below `env`.
#[derive(Debug, Subcommand)]
pub(crate) enum EnvCommand {
    /// All packages
    List(ListArgs),
    /// What changed from one to another
    Diff(DiffArgs),
}

/// Arguments of `env list`.
#[derive(Debug, Args)]
#[command(after_help = SOURCES)]
pub(crate) struct ListArgs {
    /// A project, a lock file or an image
    pub(crate) source: String,
    #[command(flatten)]
    pub(crate) images: ImageArgs,
}

/// Arguments of `env diff`.
#[derive(Debug, Args)]
#[command(after_help = SOURCES)]
pub(crate) struct DiffArgs {
    /// A project, a lock file or an image
    pub(crate) before: String,
    /// Another
    pub(crate) after: String,
    /// Exit with 1 if there is a difference
    #[arg(long)]
    pub(crate) exit_code: bool,
    #[command(flatten)]
    pub(crate) images: ImageArgs,
}

/// How images are read.
#[derive(Debug, Args)]
pub(crate) struct ImageArgs {
    /// Read the layers: what the base brings counts too. Those of images that mlpack did not make
    /// always are
    #[arg(long)]
    pub(crate) layers: bool,
    /// Which image of several
    #[arg(long, default_value = "linux/amd64")]
    pub(crate) platform: Platform,
}
