//! Azure Container Instances as a [`Deployer`].

use std::time::Duration;

use async_trait::async_trait;
use mlpack_azure::ResourceManager;
use mlpack_oci::{Location, Progress, Secret};
use serde_json::Value;

use super::error::Error as AciError;
use super::group::{AciDeployer, VERSION};
use super::group_state::service_state;
use super::release::Release;
use crate::config::{AciConfig, DeploymentConfig, Keys};
use crate::replaceable::check_replaceable;
use crate::{
    Answer, Change, Connections, Current, Deployer, Deployment, KeyName, Measured, Request, Result,
    ServiceKeys, ServiceName, ServiceState, Webservice,
};

/// Signs in to Azure.
pub(crate) async fn connect(
    config: &AciConfig,
    connections: &Connections,
) -> Result<Box<dyn Deployer>> {
    let account = connections.azure.clone();
    let resource_group = account.resource_group.ok_or(AciError::NoResourceGroup)?;
    let manager = ResourceManager::connect(account.sign_in, account.subscription).await?;
    Ok(Box::new(AciDeployer {
        manager,
        resource_group,
        config: config.clone(),
        options: connections.options.clone(),
        pull_login: connections.pull_login.clone(),
        logins: connections.logins.clone(),
        templates: connections.templates.clone(),
        folder: connections.folder.clone(),
    }))
}

impl AciDeployer {
    /// Returns the group that a new one would replace.
    ///
    /// # Errors
    /// [`ServiceExists`](crate::Error::ServiceExists) for one that works, without `overwrite`.
    async fn replaceable(&self, name: &ServiceName, overwrite: bool) -> Result<Option<Value>> {
        let live = self.live(name).await?;
        if let Some(live) = &live {
            check_replaceable(name, service_state(live).0, overwrite)?;
        }
        Ok(live)
    }

    /// Asks whether the region has what the configuration asks for ("Location - List Capabilities").
    async fn check_region(&self) -> Result<()> {
        let location = self.location().await?;
        let path = format!(
            "/subscriptions/{}/providers/Microsoft.ContainerInstance/locations/{location}/capabilities",
            self.manager.subscription()
        );
        let found = self.manager.list(&path, VERSION).await?;
        let is_ours = |entry: &&Value| entry["osType"] == "Linux" && entry["gpu"] == "None";
        let most = |key: &str| {
            let numbers = found.iter().filter(is_ours).map(|entry| &entry["capabilities"][key]);
            numbers.filter_map(Value::as_f64).fold(0.0, f64::max)
        };
        let AciConfig { cpu, memory_in_gb, .. } = self.config;
        for (key, asked, most, unit) in [
            ("cpu", cpu, most("maxCpu"), "cores"),
            ("memoryInGB", memory_in_gb, most("maxMemoryInGB"), "GB"),
        ] {
            if most == 0.0 {
                let reason = format!("region `{location}` has no Azure Container Instances");
                let hint = "set another `location`".to_owned();
                return Err(AciError::Region { reason, hint }.into());
            }
            if asked > most {
                let reason = format!(
                    "`{key}` is {asked}, and a container group in `{location}` has at most {most} {unit}"
                );
                let hint = format!("ask for at most {most}, or deploy to `aks`");
                return Err(AciError::Region { reason, hint }.into());
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Deployer for AciDeployer {
    fn destination(&self, _: &ServiceName) -> Option<Location> {
        None
    }

    async fn check(&self, name: &ServiceName, overwrite: bool) -> Result<()> {
        self.replaceable(name, overwrite).await?;
        self.check_region().await
    }

    async fn deploy(&self, deployment: &Deployment, progress: &dyn Progress) -> Result<Webservice> {
        let live = self.replaceable(&deployment.name, deployment.overwrite).await?;
        let mut before = None;
        if let Some(live) = live.filter(|live| service_state(live).0 == ServiceState::Running) {
            match self.release(&deployment.name, &live).await {
                Ok(release) => before = Some(release),
                // It is replaced as one that failed is, since it cannot be gone back to.
                Err(error) => progress.note(&format!(
                    "Replacing `{}` without a trial, and with new keys unless the configuration has them: {error}",
                    deployment.name
                )),
            }
        }
        let release = self.new_release(deployment, before.as_ref()).await?;
        self.roll_out(&release, before, progress).await
    }

    async fn difference(&self, deployment: &Deployment) -> Result<Vec<Change>> {
        let before = match self.live(&deployment.name).await? {
            Some(live) => Some(self.release(&deployment.name, &live).await?),
            None => None,
        };
        let release = self.new_release(deployment, before.as_ref()).await?;
        self.compare(&release, before.as_ref())
    }

    async fn current(&self, name: &ServiceName) -> Result<Current> {
        let live = self.find(name).await?;
        let Release { deployment, config, .. } = self.release(name, &live).await?;
        let config = DeploymentConfig::Aci(config);
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
        let mut release = self.new_release(deployment, Some(&before)).await?;
        release.options = before.options.clone();
        self.roll_out(&release, Some(before), progress).await
    }

    async fn list(&self) -> Result<Vec<Webservice>> {
        let mut found = Vec::new();
        for name in self.groups().await?.keys() {
            // A list has no instance views.
            if let Some(group) = self.live(name).await? {
                found.push(self.described(name, &group)?);
            }
        }
        Ok(found)
    }

    async fn show(&self, name: &ServiceName) -> Result<Webservice> {
        self.described(name, &self.find(name).await?)
    }

    async fn logs(&self, name: &ServiceName, num_lines: usize) -> Result<String> {
        self.find(name).await?;
        self.log(name.as_str(), name, num_lines).await
    }

    async fn delete(&self, name: &ServiceName) -> Result<()> {
        self.find(name).await?;
        self.remove_trial(name).await?;
        self.remove(name.as_str()).await
    }

    async fn keys(&self, name: &ServiceName) -> Result<ServiceKeys> {
        self.keys_in(name, &self.find(name).await?).await
    }

    async fn regenerate_key(
        &self,
        name: &ServiceName,
        which: KeyName,
        key: Option<Secret>,
        progress: &dyn Progress,
    ) -> Result<ServiceKeys> {
        let live = self.find(name).await?;
        let keys = self.keys_in(name, &live).await?.with(which, key)?;
        let before = self.release(name, &live).await?;
        let mut release = before.clone();
        let ServiceKeys { primary_key, secondary_key } = keys.clone();
        release.config.keys =
            Keys { primary_key: Some(primary_key), secondary_key: Some(secondary_key) };
        self.roll_out(&release, Some(before), progress).await?;
        Ok(keys)
    }

    async fn profile(&self, _: &ServiceName, _: &Request, _: Duration) -> Result<Measured> {
        let hint = "profile it on this machine: `mlpack model profile` without a compute target";
        Err(AciError::Unsupported { what: "measuring memory and cores", hint }.into())
    }

    async fn run(&self, name: &ServiceName, request: Request) -> Result<Answer> {
        self.score(name, &self.find(name).await?, &request).await
    }
}
