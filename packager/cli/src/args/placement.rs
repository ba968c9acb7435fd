//! Choices of a deployment that no configuration has a key for.

use clap::Args;
use mlpack_deploy::{Exposure, TargetOptions, is_name};
use mlpack_workflow::DeployRequest;

/// How a service is reached, and how its image is pulled.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Placement")]
pub(crate) struct PlacementArgs {
    /// How clients reach the service: load-balancer, cluster-ip, gateway=[NAMESPACE/]NAME or ingress=CLASS (Kubernetes)
    #[arg(long, value_name = "HOW", default_value_t)]
    expose: Exposure,
    /// Host name that the route or the Ingress accepts [default: any] (Kubernetes)
    #[arg(long, value_name = "NAME", value_parser = name)]
    hostname: Option<String>,
    /// Existing secret with the certificate that the service or the Ingress shows (Kubernetes)
    #[arg(long, value_name = "NAME", value_parser = name)]
    tls_secret: Option<String>,
    /// Existing secret with the registry's login (Kubernetes)
    #[arg(long, value_name = "NAME", value_parser = name)]
    pull_secret: Option<String>,
    /// Let the target pull the image with this machine's login for the registry
    #[arg(long, conflicts_with_all = ["pull_secret", "pull_identity"])]
    pull_login: bool,
    /// Resource id of the managed identity that pulls the image (Azure)
    #[arg(long, value_name = "ID", value_parser = resource_id)]
    pull_identity: Option<String>,
    /// Resource id of the subnet to join (Azure)
    #[arg(long, value_name = "ID", value_parser = resource_id)]
    subnet: Option<String>,
    /// Take fields of objects that other tools manage (Kubernetes)
    #[arg(long)]
    force_conflicts: bool,
}

fn name(text: &str) -> Result<String, &'static str> {
    match is_name(text) {
        true => Ok(text.to_owned()),
        false => Err("expected lower case letters, digits, `-` and `.`"),
    }
}

fn resource_id(text: &str) -> Result<String, &'static str> {
    match text.to_ascii_lowercase().starts_with("/subscriptions/") {
        true => Ok(text.to_owned()),
        false => Err("expected a resource id, as in /subscriptions/…/resourceGroups/…/providers/…"),
    }
}

impl PlacementArgs {
    /// Adds the choices to a request.
    pub(crate) fn add_to(&self, request: DeployRequest) -> DeployRequest {
        let options = TargetOptions {
            exposure: self.expose.clone(),
            hostname: self.hostname.clone(),
            tls_secret: self.tls_secret.clone(),
            pull_secret: self.pull_secret.clone(),
            pull_identity: self.pull_identity.clone(),
            subnet: self.subnet.clone(),
        };
        let (pull_login, force_conflicts) = (self.pull_login, self.force_conflicts);
        DeployRequest { options, pull_login, force_conflicts, ..request }
    }
}
