//! The local target as a [`Deployer`].

use async_trait::async_trait;
use mlpack_engine::Engine;
use mlpack_oci::{Location, Progress, Secret, labels};

use super::docker::LocalDeployer;
use super::services::describe;
use crate::config::LocalConfig;
use crate::{
    Answer, Connections, Deployer, Deployment, KeyName, Request, Result, ServiceKeys, ServiceName,
    Webservice,
};

/// Connects to the Docker engine of this machine.
pub(crate) async fn connect(
    config: &LocalConfig,
    connections: &Connections,
) -> Result<Box<dyn Deployer>> {
    let engine = Engine::connect(connections.docker_host.as_deref()).await?;
    Ok(Box::new(LocalDeployer::new(engine, config.clone(), connections.folder.clone())?))
}

#[async_trait]
impl Deployer for LocalDeployer {
    fn destination(&self, name: &ServiceName) -> Location {
        Location::Engine { name: format!("{name}:latest") }
    }

    async fn check(&self, name: &ServiceName, overwrite: bool) -> Result<()> {
        self.replaceable(name, overwrite).await.map(drop)
    }

    async fn deploy(&self, deployment: &Deployment, progress: &dyn Progress) -> Result<Webservice> {
        self.apply(deployment, progress).await
    }

    async fn list(&self) -> Result<Vec<Webservice>> {
        let mut services = Vec::new();
        for container in self.engine.containers(labels::SERVICE, None).await? {
            // mlpack did not write a label that is not a service name.
            if let Ok(name) = container.labels[labels::SERVICE].parse::<ServiceName>() {
                let answers = self.answers(&container).await;
                services.push(describe(&name, &container, answers));
            }
        }
        services.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(services)
    }

    async fn show(&self, name: &ServiceName) -> Result<Webservice> {
        let container = self.find(name).await?;
        let answers = self.answers(&container).await;
        Ok(describe(name, &container, answers))
    }

    async fn logs(&self, name: &ServiceName, num_lines: usize) -> Result<String> {
        let container = self.find(name).await?;
        Ok(self.engine.logs(&container.id, num_lines).await?)
    }

    async fn delete(&self, name: &ServiceName) -> Result<()> {
        let container = self.find(name).await?;
        Ok(self.engine.remove_container(&container.id).await?)
    }

    async fn keys(&self, name: &ServiceName) -> Result<ServiceKeys> {
        self.keys_of(name).await
    }

    async fn regenerate_key(
        &self,
        name: &ServiceName,
        which: KeyName,
        key: Option<Secret>,
    ) -> Result<ServiceKeys> {
        self.replace_key(name, which, key).await
    }

    async fn run(&self, name: &ServiceName, request: Request) -> Result<Answer> {
        self.score(name, request).await
    }
}
