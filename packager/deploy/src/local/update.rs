//! Rolling updates: a new container answers before the old one ends.

use std::collections::BTreeMap;
use std::time::Duration;

use mlpack_engine::{Container, PublishedPort};
use mlpack_oci::{PinnedReference, Progress, labels};
use reqwest::header::CONNECTION;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::address::{Settings, base, published};
use super::docker::LocalDeployer;
use super::error::Error as LocalError;
use super::files::{Files, SUCCESSOR};
use super::generations::Generations;
use super::render::inner_port;
use super::services::describe;
use crate::front_door::{CERTIFICATE, FOLDER, KEY, path};
use crate::tls::Tls;
use crate::{
    Change, Current, Deployment, DeploymentConfig, ImageFacts, Metadata, Result, ServiceName,
    Webservice,
};

/// The network in which a container finds its successor by name.
pub(super) const NETWORK: &str = "mlpack";

/// How long a front door may take to hand over; it reads the file every 0.2 s.
const HAND_OVER: Duration = Duration::from_secs(10);

/// How long a container that was replaced answers clients that are connected to it: the 3 s of the front door, and the
/// time until it has read the file.
const LINGER: Duration = Duration::from_millis(3_500);

impl LocalDeployer {
    /// Reads what a service was deployed with.
    pub(super) async fn read_current(&self, name: &ServiceName) -> Result<Current> {
        let container = self.find(name).await?;
        let label = |key: &str| container.labels.get(key).cloned();
        let names = label(labels::ENVIRONMENT).unwrap_or_default();
        let names: Vec<String> = serde_json::from_str(&names).unwrap_or_default();
        let mut environment = BTreeMap::new();
        if !names.is_empty() {
            environment = self.engine.environment(&container.id).await?;
            environment.retain(|name, _| names.contains(name));
        }
        let (place, digest) = (label(labels::REFERENCE), label(labels::DIGEST));
        let reference = format!("{}@{}", place.unwrap_or_default(), digest.unwrap_or_default());
        let image: PinnedReference = reference
            .parse()
            .map_err(|_| LocalError::NotInEngine { reference: reference.clone() })?;
        Ok(Current {
            configuration: label(labels::CONFIG).unwrap_or_default(),
            environment,
            metadata: Metadata::of(&container.labels),
            image,
            // The engine is asked when the container is made.
            facts: ImageFacts::default(),
        })
    }

    /// Returns what a deployment would change. Values of variables may be secrets and are not shown.
    pub(super) async fn compare(&self, deployment: &Deployment) -> Result<Vec<Change>> {
        let name = &deployment.name;
        let object = format!("service/{name}");
        let earlier = self.containers(Some(name)).await?;
        if earlier.is_empty() {
            return Ok(Change::between(&object, &Value::Null, &"exists".into(), &[]));
        }
        let Current { configuration, environment, metadata, image, .. } =
            self.read_current(name).await?;
        let configuration: Value = serde_json::from_str(&configuration).unwrap_or_default();
        let described = |image: &PinnedReference, configuration, environment, metadata| {
            json!({
                "image": image.digest.to_string(),
                "configuration": configuration,
                "environment": environment,
                "metadata": metadata,
            })
        };
        let now = described(&image, configuration, environment, metadata);
        let config = json!(DeploymentConfig::Local(self.config.clone()));
        let Deployment { image, environment, metadata, .. } = deployment.clone();
        let then = described(&image, config, environment, metadata);
        Ok(Change::between(&object, &now, &then, &[".environment"]))
    }

    /// Starts a new container behind the service's port, hands over to it, and removes the one before.
    ///
    /// # Errors
    /// As [`Deployer::update`](crate::Deployer::update). The service then goes on as it was.
    pub(super) async fn roll(
        &self,
        deployment: &Deployment,
        progress: &dyn Progress,
    ) -> Result<Webservice> {
        let generations = self.generations(&deployment.name).await?;
        for container in &generations.stale {
            self.engine.remove_container(&container.id).await?;
        }
        let front = &generations.front;
        let port = published(front);
        let variables = self.engine.environment(&front.id).await?;
        if port.is_none() || !variables.contains_key("MLPACK_SUCCESSOR_FILE") {
            progress.note("The service stops for a moment: its container cannot hand over");
            let replacing = Deployment { overwrite: true, ..deployment.clone() };
            return self.apply(&replacing, progress).await;
        }
        let files = self.next_files(&generations).await?;
        let mut spec = self.rendered(deployment).await?;
        let port = inner_port(&spec);
        spec.name = generations.next_name(&deployment.name);
        spec.port = Some(PublishedPort { container: port, host: None });
        spec.network = Some(NETWORK.to_owned());
        spec.labels.insert(labels::FRONT.to_owned(), front.id.clone());
        self.engine.ensure_network(NETWORK).await?;
        if !front.networks.iter().any(|name| name == NETWORK) {
            self.engine.connect_network(NETWORK, &front.id).await?;
        }
        let launched = self.launch(deployment, &spec, &files, progress).await;
        let id = match launched {
            Ok(id) => id,
            Err(error) => {
                // Its log is in the error.
                self.engine.remove_container(&spec.name).await?;
                return Err(error.not_kept());
            }
        };
        let address = format!("{}:{}\n", spec.name, port);
        let before = self.engine.read_file(&front.id, &path(SUCCESSOR)).await?;
        self.name_successor(&front.id, address.as_bytes()).await?;
        if let Err(error) = self.await_instance(front, &files, &id).await {
            self.name_successor(&front.id, &before.unwrap_or_default()).await?;
            self.engine.remove_container(&id).await?;
            return Err(error);
        }
        if let Some(behind) = &generations.behind {
            self.name_successor(&behind.id, address.as_bytes()).await?;
            let meter = progress.begin("Ending the container before", None);
            sleep(LINGER).await;
            self.engine.remove_container(&behind.id).await?;
            meter.finish("ended");
        }
        let service = self.find(&deployment.name).await?;
        Ok(describe(&deployment.name, &service, true))
    }

    /// Names the successor of a container to its front door.
    async fn name_successor(&self, id: &str, address: &[u8]) -> Result<()> {
        Ok(self.engine.write_files(id, FOLDER, &[(SUCCESSOR, address)]).await?)
    }

    /// Waits until a container answers at the port of the front.
    async fn await_instance(&self, front: &Container, files: &Files, id: &str) -> Result<()> {
        let client = self.client_of(files)?;
        let uri = published(front).map(|port| base(files.tls.is_some(), port));
        let uri = format!("{}/", uri.unwrap_or_default());
        let deadline = Instant::now() + HAND_OVER;
        loop {
            // A connection that is kept stays with the container before.
            let request = client.get(&uri).header(CONNECTION, "close");
            let answer = request.timeout(HAND_OVER).send().await;
            let instance = answer.ok().and_then(|answer| {
                Some(answer.headers().get("mlpack-instance")?.to_str().ok()?.to_owned())
            });
            if instance.is_some_and(|name| !name.is_empty() && id.starts_with(&name)) {
                return Ok(());
            }
            if Instant::now() >= deadline {
                return Err(LocalError::NotHandedOver { name: front.name.clone() }.into());
            }
            sleep(Duration::from_millis(100)).await;
        }
    }

    /// Returns keys and certificate of the next container: those of the configuration, else those of the service.
    async fn next_files(&self, generations: &Generations) -> Result<Files> {
        let service = generations.service();
        let settings = Settings::of(&service);
        let mut kept = self.config.clone();
        let same = |key: &str, found: &str| {
            let label = service.labels.get(labels::CONFIG).map_or("{}", String::as_str);
            let config: serde_json::Value = serde_json::from_str(label).unwrap_or_default();
            config[key].as_str() == Some(found)
        };
        let tls = kept.tls.take_if(|tls| {
            settings.tls && same("sslCertificate", &tls.certificate) && same("sslKey", &tls.key)
        });
        let old_keys = match self.config.keys.is_empty() && settings.auth_enabled {
            true => self.read_keys(&service).await?,
            false => None,
        };
        let mut files = Files::prepare(&kept, &self.folder)?;
        if self.config.auth_enabled && old_keys.is_some() {
            files.keys = old_keys;
        }
        if tls.is_some() {
            let read = async |name| {
                let found = self.engine.read_file(&service.id, &path(name)).await?;
                Ok::<_, crate::Error>(found.unwrap_or_default())
            };
            files.tls = Some(Tls { certificate: read(CERTIFICATE).await?, key: read(KEY).await? });
        }
        Ok(files)
    }
}
