//! Creating, starting, inspecting, finding and removing containers.

use std::collections::{BTreeMap, HashMap};

use bollard::models::{ContainerUpdateBody, RestartPolicy, RestartPolicyNameEnum};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, ListContainersOptionsBuilder, LogsOptionsBuilder,
    RemoveContainerOptionsBuilder, StopContainerOptionsBuilder,
};
use futures_util::{StreamExt, TryStreamExt};

use crate::connect::{has_status, is_not_found};
use crate::container::{container, create_body};
use crate::{Container, ContainerSpec, Engine, Error, Result};

/// Time limit for a container to stop before it is killed, in seconds.
const STOP_SECONDS: i32 = 10;

impl Engine {
    /// Creates a container without starting it and returns its id.
    ///
    /// # Errors
    /// [`Error::NameInUse`], [`Error::NoSuchImage`], or the engine's refusal.
    pub async fn create_container(&self, spec: &ContainerSpec) -> Result<String> {
        let options = CreateContainerOptionsBuilder::default().name(&spec.name).build();
        match self.docker.create_container(Some(options), create_body(spec)).await {
            Ok(created) => Ok(created.id),
            Err(error) if has_status(&error, 409) => {
                Err(Error::NameInUse { name: spec.name.clone() })
            }
            Err(error) if is_not_found(&error) => {
                Err(Error::NoSuchImage { name: spec.image.clone() })
            }
            Err(error) => Err(self.failed("create a container")(error)),
        }
    }

    /// Starts a container.
    ///
    /// # Errors
    /// [`Error::PortInUse`], [`Error::NoSuchContainer`], or the engine's refusal.
    pub async fn start_container(&self, id: &str) -> Result<()> {
        self.docker.start_container(id, None).await.map_err(self.of(id, "start a container"))
    }

    /// Returns the environment variables of a container, its image's included. Values may be secrets.
    ///
    /// # Errors
    /// [`Error::NoSuchContainer`], or the engine's refusal.
    pub async fn environment(&self, id: &str) -> Result<BTreeMap<String, String>> {
        let found = self.docker.inspect_container(id, None).await;
        let found = found.map_err(self.of(id, "inspect a container"))?;
        let pairs = found.config.and_then(|config| config.env).unwrap_or_default();
        let pairs = pairs.iter().filter_map(|pair| pair.split_once('='));
        Ok(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    /// Makes the engine restart the container after a failure or the engine's own restart, until it is
    /// stopped.
    ///
    /// # Errors
    /// [`Error::NoSuchContainer`], or the engine's refusal.
    pub async fn keep_running(&self, id: &str) -> Result<()> {
        let policy = RestartPolicy {
            name: Some(RestartPolicyNameEnum::UNLESS_STOPPED),
            ..RestartPolicy::default()
        };
        let body =
            ContainerUpdateBody { restart_policy: Some(policy), ..ContainerUpdateBody::default() };
        self.docker
            .update_container(id, body)
            .await
            .map_err(self.of(id, "keep a container running"))
    }

    /// Returns a container by name or id.
    ///
    /// # Errors
    /// [`Error::NoSuchContainer`], or the engine's own.
    pub async fn inspect_container(&self, id: &str) -> Result<Container> {
        let found = self.docker.inspect_container(id, None).await;
        Ok(container(found.map_err(self.of(id, "inspect a container"))?))
    }

    /// Returns every container, running or not, that has a label, optionally with one value. Sorted by
    /// name.
    ///
    /// # Errors
    /// The engine's own.
    pub async fn containers(&self, label: &str, value: Option<&str>) -> Result<Vec<Container>> {
        let filter = value.map_or_else(|| label.to_owned(), |value| format!("{label}={value}"));
        let filters = HashMap::from([("label", vec![filter.as_str()])]);
        let options = ListContainersOptionsBuilder::default().all(true).filters(&filters).build();
        let listed = self.docker.list_containers(Some(options)).await;
        let mut found = Vec::new();
        for summary in listed.map_err(self.failed("list containers"))? {
            match self.inspect_container(&summary.id.unwrap_or_default()).await {
                Ok(container) => found.push(container),
                // It was removed between the two requests.
                Err(Error::NoSuchContainer { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        found.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }

    /// Returns the last `lines` lines of a container's output, both streams in order of time.
    ///
    /// # Errors
    /// [`Error::NoSuchContainer`], or the engine's own.
    pub async fn logs(&self, id: &str, lines: usize) -> Result<String> {
        let options = LogsOptionsBuilder::default()
            .stdout(true)
            .stderr(true)
            .tail(&lines.to_string())
            .build();
        let chunks: Vec<_> = self
            .docker
            .logs(id, Some(options))
            .map(|chunk| chunk.map(bollard::container::LogOutput::into_bytes))
            .try_collect()
            .await
            .map_err(self.of(id, "read a log"))?;
        Ok(String::from_utf8_lossy(&chunks.concat()).into_owned())
    }

    /// Stops a container; it is killed after ten seconds.
    ///
    /// # Errors
    /// [`Error::NoSuchContainer`], or the engine's refusal.
    pub async fn stop_container(&self, id: &str) -> Result<()> {
        let options = StopContainerOptionsBuilder::default().t(STOP_SECONDS).build();
        self.docker.stop_container(id, Some(options)).await.map_err(self.of(id, "stop a container"))
    }

    /// Stops and removes a container with its anonymous volumes. It is not an error if there is none.
    ///
    /// # Errors
    /// The engine's refusal.
    pub async fn remove_container(&self, id: &str) -> Result<()> {
        match self.stop_container(id).await {
            Err(Error::NoSuchContainer { .. }) => return Ok(()),
            // It is removed even if it cannot be stopped.
            Err(Error::Refused { .. }) | Ok(()) => {}
            Err(error) => return Err(error),
        }
        let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
        match self.docker.remove_container(id, Some(options)).await {
            Err(error) if is_not_found(&error) => Ok(()),
            removed => removed.map_err(self.failed("remove a container")),
        }
    }

    pub(crate) fn of(&self, id: &str, action: &str) -> impl Fn(bollard::errors::Error) -> Error {
        move |error| {
            if is_not_found(&error) {
                Error::NoSuchContainer { name: id.to_owned() }
            } else {
                self.failed(action)(error)
            }
        }
    }
}
