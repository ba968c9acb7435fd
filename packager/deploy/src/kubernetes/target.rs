//! Kubernetes as a [`Deployer`].

use std::time::Duration;

use async_trait::async_trait;
use mlpack_cluster::Access;
use mlpack_oci::{Location, Progress, Secret};
use serde_json::Value;

use super::cluster::KubernetesDeployer;
use super::error::Error as KubernetesError;
use super::release::Release;
use super::services::state;
use crate::config::AksConfig;
use crate::replaceable::check_replaceable;
use crate::{
    Answer, Change, Connections, Current, Deployer, Deployment, KeyName, Measured, Request, Result,
    ServiceKeys, ServiceName, ServiceState, Webservice,
};

/// Connects to the cluster of a context; of the configuration's, or of the current one if none is named.
pub(crate) async fn connect(
    config: &AksConfig,
    compute_target: Option<&str>,
    connections: &Connections,
) -> Result<Box<dyn Deployer>> {
    let context = compute_target.map(str::to_owned).or_else(|| config.compute_target_name.clone());
    let access = Access {
        kubeconfigs: connections.kubeconfigs.clone(),
        context,
        namespace: config.namespace.clone(),
    };
    Ok(Box::new(KubernetesDeployer {
        cluster: access.connect().await?,
        config: config.clone(),
        options: connections.options.clone(),
        pull_login: connections.pull_login.clone(),
        force_conflicts: connections.force_conflicts,
        templates: connections.templates.clone(),
        folder: connections.folder.clone(),
    }))
}

impl KubernetesDeployer {
    /// Returns the Deployment that a new one would replace.
    ///
    /// # Errors
    /// [`ServiceExists`](crate::Error::ServiceExists) for one that works, without `overwrite`.
    async fn replaceable(&self, name: &ServiceName, overwrite: bool) -> Result<Option<Value>> {
        let live = self.live(name).await?;
        if let Some(live) = &live {
            check_replaceable(name, state(live).0, overwrite)?;
        }
        Ok(live)
    }
}

#[async_trait]
impl Deployer for KubernetesDeployer {
    fn destination(&self, _: &ServiceName) -> Option<Location> {
        None
    }

    async fn check(&self, name: &ServiceName, overwrite: bool) -> Result<()> {
        self.replaceable(name, overwrite).await.map(drop)
    }

    async fn deploy(&self, deployment: &Deployment, progress: &dyn Progress) -> Result<Webservice> {
        let live = self.replaceable(&deployment.name, deployment.overwrite).await?;
        let before = match &live {
            // What cannot be read is replaced, and cannot be gone back to.
            Some(live) => self.release(&deployment.name, live).await.ok(),
            None => None,
        };
        let release = self.new_release(deployment, before.as_ref());
        let works = live.is_some_and(|live| state(&live).0 == ServiceState::Running);
        self.roll_out(&release, before.filter(|_| works), progress).await
    }

    async fn difference(&self, deployment: &Deployment) -> Result<Vec<Change>> {
        let before = match self.live(&deployment.name).await? {
            Some(live) => self.release(&deployment.name, &live).await.ok(),
            None => None,
        };
        self.compare(&self.new_release(deployment, before.as_ref())).await
    }

    async fn current(&self, name: &ServiceName) -> Result<Current> {
        let live = self.find(name).await?;
        let Release { deployment, config, .. } = self.release(name, &live).await?;
        let config = crate::DeploymentConfig::Aks(config);
        Ok(Current {
            configuration: serde_json::to_string(&config).unwrap_or_default(),
            environment: deployment.environment,
            metadata: deployment.metadata,
            image: deployment.image,
            facts: deployment.facts,
        })
    }

    async fn update(&self, deployment: &Deployment, progress: &dyn Progress) -> Result<Webservice> {
        let live = self.find(&deployment.name).await?;
        let before = self.release(&deployment.name, &live).await?;
        let mut release = self.new_release(deployment, Some(&before));
        release.options = before.options.clone();
        self.roll_out(&release, Some(before), progress).await
    }

    async fn list(&self) -> Result<Vec<Webservice>> {
        self.services().await
    }

    async fn show(&self, name: &ServiceName) -> Result<Webservice> {
        let live = self.find(name).await?;
        self.described(name, &live).await
    }

    async fn logs(&self, name: &ServiceName, num_lines: usize) -> Result<String> {
        let live = self.find(name).await?;
        self.log_of(name, &live, num_lines).await
    }

    async fn delete(&self, name: &ServiceName) -> Result<()> {
        self.find(name).await?;
        self.prune(name, &[]).await
    }

    async fn keys(&self, name: &ServiceName) -> Result<ServiceKeys> {
        self.find(name).await?;
        self.keys_of(name).await
    }

    async fn regenerate_key(
        &self,
        name: &ServiceName,
        which: KeyName,
        key: Option<Secret>,
        _: &dyn Progress,
    ) -> Result<ServiceKeys> {
        self.find(name).await?;
        self.replace_key(name, which, key).await
    }

    async fn profile(&self, _: &ServiceName, _: &Request, _: Duration) -> Result<Measured> {
        let hint = "profile it on this machine: `mlpack model profile` without a compute target";
        Err(KubernetesError::Unsupported { what: "measuring memory and cores", hint }.into())
    }

    async fn run(&self, name: &ServiceName, request: Request) -> Result<Answer> {
        let live = self.find(name).await?;
        self.score(name, &live, &request).await
    }
}
