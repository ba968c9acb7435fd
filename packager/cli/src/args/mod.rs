//! Arguments as typed.

mod dashes;
mod environment;
mod image;
mod project;
mod service;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, CommandFactory as _, Parser, Subcommand, ValueEnum};

pub(crate) use environment::{DiffArgs, EnvCommand, ImageArgs, ListArgs, LockArgs};
pub(crate) use image::{
    BasesArgs, CheckArgs, CopyArgs, InspectArgs, LoginArgs, PullArgs, PushArgs, RegistryArgs,
};
pub(crate) use project::{
    EnvironmentArg, InitArgs, LockUseArgs, PackageArgs, ProjectArgs, QuickstartArgs,
};
pub(crate) use service::{
    DeployArgs, GetLogsArgs, ModelCommand, ModelDeployArgs, RunArgs, ServiceCommand, TargetArgs,
};

const EXAMPLES: &str = "\
Examples:
  mlpack quickstart                      a sample, packaged, run and asked, in one go
  mlpack init my-service                 a project of your own
  mlpack check python:3.11-slim --policy current
  mlpack package --inference-config inferenceconfig.json -m digits=digits.onnx \\
                 --output registry.example.com/team/digits:v1
  mlpack model deploy --name digits --inference-config inferenceconfig.json \\
                 --deploy-config deploymentconfig.json -m digits=digits.onnx
  mlpack inspect registry.example.com/team/digits:v1

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 a check or requirement failed,
4 a service did not come up or answered with an error.";

/// Turns a machine-learning model into a running web service through one digest.
#[derive(Debug, Parser)]
#[command(name = "mlpack", version, after_help = EXAMPLES, propagate_version = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options every command takes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// How results and errors are printed
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
    /// When to use colour and progress bars
    #[arg(long, global = true, value_enum, default_value_t = When::Auto)]
    pub(crate) color: When,
    /// No progress, only results, warnings and errors
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// Where mlpack keeps what it need not make or fetch twice
    #[arg(long, global = true, env = "MLPACK_CACHE_DIR", value_name = "DIR")]
    pub(crate) cache_dir: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) registry: RegistryArgs,
}

/// A form of output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Text,
    /// For programs
    Json,
}

/// When to do something a terminal shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum When {
    /// If standard error is a terminal and NO_COLOR is not set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a project: entry script, conda file, configurations
    Init(InitArgs),
    /// Make the sample, package it, look into it, run it and ask it
    Quickstart(QuickstartArgs),
    /// Make an image of entry script, conda file and models
    Package(Box<PackageArgs>),
    /// Write down the exact packages, so that they stay as they are
    Lock(Box<LockArgs>),
    /// Tell which packages a project, a lock file or an image has
    #[command(subcommand)]
    Env(EnvCommand),
    /// Tell what a base image offers and hold a policy against it
    Check(CheckArgs),
    /// Tell what is in an image
    Inspect(InspectArgs),
    /// List the known base images and the policies
    Bases(BasesArgs),
    /// Run an image that exists
    Deploy(DeployArgs),
    /// Package and deploy in one step, as `az ml model deploy` did
    #[command(subcommand)]
    Model(ModelCommand),
    /// Look after services that run
    #[command(subcommand)]
    Service(ServiceCommand),
    /// Push an image to a registry
    Push(PushArgs),
    /// Pull an image from a registry
    Pull(PullArgs),
    /// Copy an image from anywhere to anywhere
    Copy(CopyArgs),
    /// Log in to a registry, where Docker keeps logins too
    Login(LoginArgs),
    /// Forget a login
    Logout(LoginArgs),
    /// Print completions for a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
}

/// Parses, or prints help or a usage error and exits with 2.
pub(crate) fn parse(argv: impl IntoIterator<Item = OsString>) -> Cli {
    Cli::parse_from(dashes::two_for_one(&Cli::command(), argv))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Cli::command().debug_assert();
    }
}
