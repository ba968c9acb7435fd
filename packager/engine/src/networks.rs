//! Networks whose containers reach each other by name.

use std::collections::HashMap;

use bollard::models::{NetworkConnectRequest, NetworkCreateRequest};
use bollard::query_parameters::ListNetworksOptionsBuilder;

use crate::{Engine, Result};

impl Engine {
    /// Creates a network if there is none of that name.
    ///
    /// # Errors
    /// The engine's refusal.
    pub async fn ensure_network(&self, name: &str) -> Result<()> {
        let filters = HashMap::from([("name", vec![name])]);
        let options = ListNetworksOptionsBuilder::default().filters(&filters).build();
        let found = self.docker.list_networks(Some(options)).await;
        let found = found.map_err(self.failed("list networks"))?;
        // The engine's filter finds names that contain the text too.
        if found.iter().any(|network| network.name.as_deref() == Some(name)) {
            return Ok(());
        }
        let request = NetworkCreateRequest { name: name.to_owned(), ..Default::default() };
        let created = self.docker.create_network(request).await;
        created.map(drop).map_err(self.failed("create a network"))
    }

    /// Connects a container to a network; it may run.
    ///
    /// # Errors
    /// [`Error::NoSuchContainer`](crate::Error::NoSuchContainer), or the engine's refusal.
    pub async fn connect_network(&self, name: &str, container: &str) -> Result<()> {
        let request =
            NetworkConnectRequest { container: container.to_owned(), endpoint_config: None };
        let connected = self.docker.connect_network(name, request).await;
        connected.map_err(self.of(container, "connect a container to a network"))
    }

    /// Removes a network unless containers use it.
    pub async fn remove_unused_network(&self, name: &str) {
        // The engine refuses while a container is connected.
        let _ = self.docker.remove_network(name).await;
    }
}
