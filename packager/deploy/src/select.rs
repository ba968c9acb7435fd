//! Selects the deployer of a compute type: the one place that knows which targets exist.

use crate::config::DeploymentConfig;
use crate::deployer::Deployer;
use crate::error::{Error, Result};
use crate::{Connections, local};

/// Connects to the compute target that `config` names. `compute_target` is the name of a cluster.
///
/// # Errors
/// [`Error::Unsupported`] for a target that mlpack cannot deploy to yet, or the target's own.
pub async fn deployer_for(
    config: &DeploymentConfig,
    compute_target: Option<&str>,
    connections: &Connections,
) -> Result<Box<dyn Deployer>> {
    if let Some(name) = compute_target {
        return Err(Error::Unsupported { target: format!("compute target `{name}`") });
    }
    match config {
        DeploymentConfig::Local(config) => local::connect(config, connections).await,
        other => {
            Err(Error::Unsupported { target: format!("compute type `{}`", other.compute_type()) })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn other_targets_are_parsed_and_then_refused() {
        let config = DeploymentConfig::parse("computeType: ACI", "dc.yml").unwrap();
        let error = deployer_for(&config, None, &Connections::default()).await.unwrap_err();
        assert_eq!(error.to_string(), "deploying to compute type `aci` is not supported yet");
    }

    #[tokio::test]
    async fn compute_targets_are_refused() {
        let config = DeploymentConfig::default();
        let connections = Connections::default();
        let error = deployer_for(&config, Some("cluster"), &connections).await.unwrap_err();
        assert_eq!(error.to_string(), "deploying to compute target `cluster` is not supported yet");
    }
}
