//! Arguments of deployments and services.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{LockUseArgs, ProjectArgs};

/// Commands below `model`.
#[derive(Debug, Subcommand)]
pub(crate) enum ModelCommand {
    /// Package models with their entry script and run them as a service
    Deploy(Box<ModelDeployArgs>),
}

/// Where and how a service runs.
#[derive(Debug, Clone, Args)]
pub(crate) struct TargetArgs {
    /// The service's name: 3 to 32 lower-case letters, digits and dashes
    #[arg(long, short)]
    pub(crate) name: String,
    /// The deployment configuration, JSON or YAML
    #[arg(long, visible_alias = "dc", value_name = "FILE", help_heading = "Deployment")]
    pub(crate) deploy_config: Option<PathBuf>,
    /// The kind of target: `local`
    #[arg(long, visible_alias = "cp", help_heading = "Deployment")]
    pub(crate) compute_type: Option<String>,
    /// The cluster to deploy to
    #[arg(long, visible_alias = "ct", help_heading = "Deployment")]
    pub(crate) compute_target: Option<String>,
    /// The port on this machine; a free one if not given
    #[arg(long, visible_alias = "po", help_heading = "Deployment")]
    pub(crate) port: Option<u16>,
    /// Replace a service of that name
    #[arg(long, help_heading = "Deployment")]
    pub(crate) overwrite: bool,
    /// Seconds until the service must answer; `init()` counts
    #[arg(long, default_value_t = mlpack_deploy::DEFAULT_TIMEOUT.as_secs(), value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400), help_heading = "Deployment")]
    pub(crate) timeout: u64,
}

/// Arguments of `model deploy`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  mlpack model deploy -n my-service -m model=model.pkl --ic inferenceconfig.json --dc deploymentconfig.json\n\n`-ic`, `-dc` and `-ct` with one dash work too."
)]
pub(crate) struct ModelDeployArgs {
    #[command(flatten)]
    pub(crate) target: TargetArgs,
    #[command(flatten)]
    pub(crate) project: ProjectArgs,
    #[command(flatten)]
    pub(crate) lock_use: LockUseArgs,
}

/// Arguments of `deploy`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  mlpack deploy oci:out -n my-service --port 8080")]
pub(crate) struct DeployArgs {
    /// The image, as for `inspect`
    pub(crate) image: String,
    #[command(flatten)]
    pub(crate) target: TargetArgs,
    /// An environment variable of the service; may be repeated
    #[arg(long = "env", value_name = "NAME=VALUE")]
    pub(crate) environment_variables: Vec<String>,
}

/// Commands below `service`.
#[derive(Debug, Subcommand)]
pub(crate) enum ServiceCommand {
    /// All services of this machine
    List,
    /// One service
    Show(NameArgs),
    /// What a service printed
    GetLogs(GetLogsArgs),
    /// Send data to a service and print its answer
    Run(RunArgs),
    /// Stop a service and take it away
    Delete(NameArgs),
}

/// A service by name.
#[derive(Debug, Args)]
pub(crate) struct NameArgs {
    /// The service's name
    #[arg(long, short)]
    pub(crate) name: String,
}

/// Arguments of `service get-logs`.
#[derive(Debug, Args)]
pub(crate) struct GetLogsArgs {
    /// The service's name
    #[arg(long, short)]
    pub(crate) name: String,
    /// How many lines from the end
    #[arg(long, short = 'l', visible_alias = "num_lines", default_value_t = 5000)]
    pub(crate) num_lines: usize,
}

/// Arguments of `service run`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  mlpack service run -n my-service -d '{\"data\": [[1, 2]]}'\n  mlpack service run -n my-service -d @sample.json"
)]
pub(crate) struct RunArgs {
    /// The service's name
    #[arg(long, short)]
    pub(crate) name: String,
    /// The data, `@FILE`, or `-` for standard input
    #[arg(long, short = 'd', visible_alias = "input-data")]
    pub(crate) data: String,
    /// The data's content type
    #[arg(long, default_value = "application/json")]
    pub(crate) content_type: String,
    /// Seconds until the answer must be there
    #[arg(long, default_value_t = 60, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) timeout: u64,
}
