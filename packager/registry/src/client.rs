//! The client: one value for all registries.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mlpack_oci::{Digest, Reference};
use reqwest::redirect::Policy;
use reqwest::{Method, NoProxy, Proxy};
use tokio::runtime::Handle;

use crate::auth::Auth;
use crate::connection::Connection;
use crate::credential_store::CredentialStore;
use crate::credentials::Credentials;
use crate::endpoint::Endpoint;
use crate::error::{ConnectionError, Error, Result};
use crate::host_memory::HostMemory;
use crate::manifest_cache::ManifestCache;
use crate::scope::Scope;
use crate::session_store::SessionStore;
use crate::settings::Settings;
use crate::tls;
use crate::transport::{Call, Transport};

/// Pulls from and pushes to registries. Cheap to clone; clones share logins and caches.
#[derive(Clone)]
pub struct Client {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) settings: Settings,
    pub(crate) runtime: Handle,
    http: reqwest::Client,
    transports: tokio::sync::Mutex<HashMap<String, Transport>>,
    /// Blobs that a repository certainly contains: registry, repository, digest.
    present: Mutex<HashSet<(String, String, Digest)>>,
    pub(crate) manifests: ManifestCache,
    pub(crate) sessions: SessionStore,
    pub(crate) memory: HostMemory,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("settings", &self.inner.settings).finish_non_exhaustive()
    }
}

impl Client {
    /// Returns a client that runs its work on `runtime`, which must have time and I/O enabled and
    /// threads for blocking work.
    ///
    /// # Errors
    /// A certificate file or a proxy address that cannot be used.
    pub fn new(settings: Settings, runtime: Handle) -> Result<Self> {
        let http = http(&settings)?;
        Ok(Self {
            inner: Arc::new(Inner {
                manifests: ManifestCache::new(settings.state_dir.join("documents")),
                sessions: SessionStore::new(settings.state_dir.join("uploads")),
                memory: HostMemory::new(settings.state_dir.join("hosts")),
                settings,
                runtime,
                http,
                transports: tokio::sync::Mutex::default(),
                present: Mutex::default(),
            }),
        })
    }

    /// Tries credentials on a registry, as `login` does before it stores them.
    ///
    /// # Errors
    /// [`Error::Auth`], or that the registry cannot be reached.
    pub async fn check_login(&self, registry: &str, credentials: Credentials) -> Result<()> {
        let store = CredentialStore::default().with_any(credentials);
        let transport = self.open(registry, store).await?;
        let scope = Scope::registry();
        let action = "log in";
        let url = transport.endpoint().url("");
        let response = transport
            .send_with_retry(|| Call::new(Method::GET, url.clone(), &scope, action))
            .await?;
        if response.status().is_success() {
            return Ok(());
        }
        Err(transport.refusal(response, &scope, action).await)
    }

    /// Returns the transport to one registry.
    pub(crate) async fn transport(&self, registry: &str) -> Result<Transport> {
        let mut transports = self.inner.transports.lock().await;
        if let Some(known) = transports.get(registry) {
            return Ok(known.clone());
        }
        let transport = self.open(registry, self.inner.settings.credentials.clone()).await?;
        transports.insert(registry.to_owned(), transport.clone());
        Ok(transport)
    }

    async fn open(&self, registry: &str, store: CredentialStore) -> Result<Transport> {
        let settings = &self.inner.settings;
        let make = |endpoint| {
            let connection = Connection::new(self.inner.http.clone(), endpoint, settings);
            Transport::new(connection, Auth::new(store.clone()))
        };
        let endpoint = Endpoint::new(registry, &settings.insecure_registries)?;
        if !endpoint.may_be_plain() {
            return Ok(make(endpoint));
        }
        // As Docker does: TLS if the host supports it, and no fallback after a bad certificate.
        let secure = make(endpoint.with_tls());
        match secure.ping().await {
            Ok(()) => Ok(secure),
            Err(error @ Error::Connection(ConnectionError::Certificate { .. })) => Err(error),
            Err(_) => Ok(make(endpoint)),
        }
    }

    pub(crate) fn is_recorded(&self, target: &Reference, digest: Digest) -> bool {
        self.present().contains(&key(target, digest))
    }

    pub(crate) fn record_present(&self, target: &Reference, digest: Digest) {
        self.present().insert(key(target, digest));
        self.inner.memory.record_blob(target.registry(), target.repository(), digest);
    }

    fn present(&self) -> MutexGuard<'_, HashSet<(String, String, Digest)>> {
        self.inner.present.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Builds the HTTP client from the settings.
fn http(settings: &Settings) -> Result<reqwest::Client> {
    let invalid = |setting: &str| {
        let setting = setting.to_owned();
        move |error: reqwest::Error| {
            let reason = error.without_url().to_string();
            Error::Setting { setting, reason }
        }
    };
    // One connection per blob: with HTTP/2 all blobs would share one connection's window.
    let mut builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls::config(&settings.ca_certs)?)
        .http1_only()
        .redirect(Policy::none())
        .user_agent(&settings.user_agent)
        .connect_timeout(settings.idle_timeout)
        .no_proxy();
    // A proxy cannot reach this machine's loopback addresses.
    let no_proxy = format!(
        "localhost,127.0.0.0/8,::1,{}",
        settings.proxies.no_proxy.as_deref().unwrap_or_default()
    );
    if let Some(address) = &settings.proxies.https {
        let proxy = Proxy::https(address).map_err(invalid("HTTPS_PROXY"))?;
        builder = builder.proxy(proxy.no_proxy(NoProxy::from_string(&no_proxy)));
    }
    if let Some(address) = &settings.proxies.http {
        let proxy = Proxy::http(address).map_err(invalid("HTTP_PROXY"))?;
        builder = builder.proxy(proxy.no_proxy(NoProxy::from_string(&no_proxy)));
    }
    builder.build().map_err(invalid("network settings"))
}

fn key(target: &Reference, digest: Digest) -> (String, String, Digest) {
    (target.registry().to_owned(), target.repository().to_owned(), digest)
}
