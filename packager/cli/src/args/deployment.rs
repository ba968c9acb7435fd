//! Where and how a service runs.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use mlpack_deploy::DEFAULT_TIMEOUT;
use mlpack_workflow::DeployRequest;

/// The target of a deployment.
#[derive(Debug, Clone, Args)]
pub(crate) struct TargetArgs {
    /// Service name: 3 to 32 lowercase letters, digits and dashes
    #[arg(long, short)]
    name: String,
    /// Deployment configuration, JSON or YAML
    #[arg(
        long,
        visible_alias = "dc",
        alias = "deploy-config-file",
        value_name = "FILE",
        help_heading = "Deployment"
    )]
    deploy_config: Option<PathBuf>,
    /// Kind of compute target: `local`
    #[arg(long, visible_alias = "cp", help_heading = "Deployment")]
    compute_type: Option<String>,
    /// Cluster to deploy to
    #[arg(long, visible_alias = "ct", help_heading = "Deployment")]
    compute_target: Option<String>,
    /// Port on this machine [default: a free port]
    #[arg(long, visible_alias = "po", help_heading = "Deployment")]
    port: Option<u16>,
    /// Replace an existing service of that name
    #[arg(long, help_heading = "Deployment")]
    overwrite: bool,
    /// Seconds to wait for the service to become ready
    #[arg(long, default_value_t = DEFAULT_TIMEOUT.as_secs(), value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400), help_heading = "Deployment")]
    timeout: u64,
}

impl TargetArgs {
    /// Returns the deployment that they ask for.
    pub(crate) fn request(&self, environment: BTreeMap<String, String>) -> DeployRequest {
        DeployRequest {
            name: self.name.clone(),
            config: self.deploy_config.clone(),
            compute_type: self.compute_type.clone(),
            compute_target: self.compute_target.clone(),
            port: self.port,
            environment,
            overwrite: self.overwrite,
            timeout: Duration::from_secs(self.timeout),
        }
    }
}
