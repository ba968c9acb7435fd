//! Keys and certificates of services that exist.

use std::time::Duration;

use mlpack_engine::Container;
use mlpack_oci::Secret;
use tokio::time::{Instant, sleep};

use super::address::{Settings, base, published};
use super::docker::LocalDeployer;
use super::files::Files;
use crate::clients::client_of;
use crate::front_door::{CERTIFICATE, FOLDER, KEY, KEYS, path};
use crate::scoring::Endpoint;
use crate::service_keys::ServiceKeys;
use crate::{Error, KeyName, Result, ServiceName};

impl LocalDeployer {
    /// Writes the files of a container that was created.
    pub(super) async fn write_secrets(&self, id: &str, files: &Files) -> Result<()> {
        let lines = files.keys.as_ref().map(ServiceKeys::to_lines);
        let mut entries: Vec<(&str, &[u8])> = Vec::new();
        entries.extend(lines.as_ref().map(|lines| (KEYS, lines.as_bytes())));
        if let Some(tls) = &files.tls {
            entries.extend([(CERTIFICATE, &tls.certificate[..]), (KEY, &tls.key[..])]);
        }
        if !entries.is_empty() {
            self.engine.write_files(id, FOLDER, &entries).await?;
        }
        Ok(())
    }

    /// Returns where and how to reach the service of a container; `None` while no port is published.
    pub(super) async fn endpoint(&self, container: &Container) -> Result<Option<Endpoint>> {
        let Some(port) = published(container) else { return Ok(None) };
        let Settings { auth_enabled, tls } = Settings::of(container);
        let client = match tls {
            true => {
                let certificate = self.engine.read_file(&container.id, &path(CERTIFICATE)).await?;
                client_of(&certificate.unwrap_or_default())?
            }
            false => self.http.clone(),
        };
        let key = match auth_enabled {
            true => self.read_keys(container).await?.map(|keys| keys.primary_key),
            false => None,
        };
        Ok(Some(Endpoint { client, base: base(tls, port), key }))
    }

    pub(super) async fn read_keys(&self, container: &Container) -> Result<Option<ServiceKeys>> {
        let found = self.engine.read_file(&container.id, &path(KEYS)).await?;
        Ok(found.and_then(|bytes| ServiceKeys::of_lines(&String::from_utf8_lossy(&bytes))))
    }

    /// Returns the keys of a service.
    ///
    /// # Errors
    /// [`Error::NoKeys`]
    pub(super) async fn keys_of(&self, name: &ServiceName) -> Result<ServiceKeys> {
        let container = self.find(name).await?;
        let keys = match Settings::of(&container).auth_enabled {
            true => self.read_keys(&container).await?,
            false => None,
        };
        keys.ok_or_else(|| Error::NoKeys { name: name.to_string() })
    }

    /// Replaces a key of a service while it runs, and waits until the service knows it.
    ///
    /// # Errors
    /// As [`LocalDeployer::keys_of`], [`Error::Key`], or the engine's.
    pub(super) async fn replace_key(
        &self,
        name: &ServiceName,
        which: KeyName,
        key: Option<Secret>,
    ) -> Result<ServiceKeys> {
        let keys = self.keys_of(name).await?.with(which, key)?;
        let container = self.find(name).await?;
        let lines = keys.to_lines();
        self.engine.write_files(&container.id, FOLDER, &[(KEYS, lines.as_bytes())]).await?;
        if let Some(endpoint) = self.endpoint(&container).await? {
            let key = match which {
                KeyName::Primary => &keys.primary_key,
                KeyName::Secondary => &keys.secondary_key,
            };
            self.await_key(&endpoint, key).await;
        }
        Ok(keys)
    }

    /// Waits until a service accepts a key that was just written; it reads its keys every second.
    pub(super) async fn await_key(&self, endpoint: &Endpoint, key: &Secret) {
        const LIMIT: Duration = Duration::from_secs(5);
        const PAUSE: Duration = Duration::from_millis(100);
        let deadline = Instant::now() + LIMIT;
        let uri = format!("{}/swagger.json", endpoint.base);
        while Instant::now() < deadline {
            let request = endpoint.client.get(&uri).bearer_auth(key.reveal()).timeout(LIMIT);
            // One that does not answer reads its keys when it starts.
            match request.send().await {
                Ok(answer) if answer.status() == reqwest::StatusCode::FORBIDDEN => {
                    sleep(PAUSE).await;
                }
                _ => return,
            }
        }
    }
}
