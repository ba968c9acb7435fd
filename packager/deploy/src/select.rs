//! Selects what a compute type needs: the one place that knows which targets exist.

use crate::config::DeploymentConfig;
use crate::deployer::Deployer;
use crate::error::{Error, Result};
use crate::placement_error::PlacementError;
use crate::rendering::{Form, Rendered, Rendering};
use crate::{Connections, aci, iot, kubernetes, local};

/// Connects to the compute target that `config` names. `compute_target` is the name of a cluster.
///
/// # Errors
/// [`Error::Unsupported`] for a target that mlpack cannot deploy to yet, or the target's own.
pub async fn deployer_for(
    config: &DeploymentConfig,
    compute_target: Option<&str>,
    connections: &Connections,
) -> Result<Box<dyn Deployer>> {
    match config {
        DeploymentConfig::Local(config) if compute_target.is_none() => {
            local::connect(config, connections).await
        }
        DeploymentConfig::Local(_) => {
            Err(PlacementError::without_meaning("--compute-target", "compute type `local`").into())
        }
        DeploymentConfig::Aks(config) => {
            kubernetes::connect(config, compute_target, connections).await
        }
        DeploymentConfig::Aci(_) if compute_target.is_some() => {
            Err(PlacementError::without_meaning("--compute-target", "compute type `aci`").into())
        }
        DeploymentConfig::Aci(config) => aci::connect(config, connections).await,
        other => {
            Err(Error::Unsupported { target: format!("compute type `{}`", other.compute_type()) })
        }
    }
}

/// Renders the documents for the compute target that `config` names. Keys that are not given are generated.
///
/// # Errors
/// [`PlacementError::NotRendered`] for a target without documents or a form that it does not have, or the target's own.
pub fn render(config: &DeploymentConfig, rendering: &Rendering<'_>) -> Result<Rendered> {
    match (config, rendering.form) {
        (DeploymentConfig::Aks(config), _) => kubernetes::render(config, rendering),
        (DeploymentConfig::Aci(config), Form::Plain) => aci::render(config, rendering),
        (DeploymentConfig::Iot(config), Form::Plain) => iot::render(config, rendering),
        (other, form) => {
            let form = if form == Form::Plain { "" } else { " in this form" };
            let target = format!("compute type `{}`{form}", other.compute_type());
            Err(PlacementError::NotRendered { target }.into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn other_targets_are_parsed_and_then_refused() {
        let config = DeploymentConfig::parse("computeType: AKSendpoint", "dc.yml").unwrap();
        let error = deployer_for(&config, None, &Connections::default()).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "deploying to compute type `aksendpoint` is not supported yet"
        );
    }

    #[tokio::test]
    async fn compute_targets_are_refused() {
        let config = DeploymentConfig::default();
        let connections = Connections::default();
        let error = deployer_for(&config, Some("cluster"), &connections).await.unwrap_err();
        assert_eq!(error.to_string(), "`--compute-target` has no meaning for compute type `local`");
    }
}
