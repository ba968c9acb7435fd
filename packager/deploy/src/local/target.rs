//! The local target as a [`Deployer`].

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use mlpack_engine::{Container, Engine};
use mlpack_oci::{Location, Progress, Secret, labels};

use super::docker::LocalDeployer;
use super::services::describe;
use super::update::NETWORK;
use crate::config::LocalConfig;
use crate::placement_error::PlacementError;
use crate::{
    Answer, Change, Connections, Current, Deployer, Deployment, KeyName, Measured, Request, Result,
    ServiceKeys, ServiceName, Webservice,
};

/// Connects to the Docker engine of this machine.
pub(crate) async fn connect(
    config: &LocalConfig,
    connections: &Connections,
) -> Result<Box<dyn Deployer>> {
    if let Some(flag) = connections.options.without_meaning(&[]) {
        return Err(PlacementError::without_meaning(flag, "compute type `local`").into());
    }
    let engine = Engine::connect(connections.docker_host.as_deref()).await?;
    Ok(Box::new(LocalDeployer::new(engine, config.clone(), connections.folder.clone())?))
}

#[async_trait]
impl Deployer for LocalDeployer {
    fn destination(&self, name: &ServiceName) -> Option<Location> {
        Some(Location::Engine { name: format!("{name}:latest") })
    }

    async fn check(&self, name: &ServiceName, overwrite: bool) -> Result<()> {
        self.replaceable(name, overwrite).await.map(drop)
    }

    async fn deploy(&self, deployment: &Deployment, progress: &dyn Progress) -> Result<Webservice> {
        self.apply(deployment, progress).await
    }

    async fn difference(&self, deployment: &Deployment) -> Result<Vec<Change>> {
        self.compare(deployment).await
    }

    async fn current(&self, name: &ServiceName) -> Result<Current> {
        self.read_current(name).await
    }

    async fn update(&self, deployment: &Deployment, progress: &dyn Progress) -> Result<Webservice> {
        self.roll(deployment, progress).await
    }

    async fn list(&self) -> Result<Vec<Webservice>> {
        let mut by_name: BTreeMap<String, Vec<Container>> = BTreeMap::new();
        for container in self.containers(None).await? {
            by_name.entry(container.labels[labels::SERVICE].clone()).or_default().push(container);
        }
        let mut services = Vec::new();
        for (name, containers) in by_name {
            // mlpack did not write a label that is not a service name.
            let (Ok(name), Some(found)) =
                (name.parse::<ServiceName>(), self.sort(containers).await?)
            else {
                continue;
            };
            let container = found.service();
            let answers = self.answers(&container).await;
            services.push(describe(&name, &container, answers));
        }
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
        for container in self.generations(name).await?.all() {
            self.engine.remove_container(&container.id).await?;
        }
        self.engine.remove_unused_network(NETWORK).await;
        Ok(())
    }

    async fn keys(&self, name: &ServiceName) -> Result<ServiceKeys> {
        self.keys_of(name).await
    }

    async fn regenerate_key(
        &self,
        name: &ServiceName,
        which: KeyName,
        key: Option<Secret>,
        _: &dyn Progress,
    ) -> Result<ServiceKeys> {
        self.replace_key(name, which, key).await
    }

    async fn profile(
        &self,
        name: &ServiceName,
        request: &Request,
        duration: Duration,
    ) -> Result<Measured> {
        self.measure(name, request, duration).await
    }

    async fn run(&self, name: &ServiceName, request: Request) -> Result<Answer> {
        self.score(name, request).await
    }
}
