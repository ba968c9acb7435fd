//! The client: one value that knows all registries it has spoken to.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mlpack_oci::{Digest, Reference};
use reqwest::redirect::Policy;
use reqwest::{Method, NoProxy, Proxy};
use tokio::runtime::Handle;

use crate::auth::{Auth, Scope};
use crate::documents::Documents;
use crate::endpoint::Endpoint;
use crate::exchange::{Call, Exchange};
use crate::host_memory::HostMemory;
use crate::session::Sessions;
use crate::{CredentialStore, Credentials, Error, Result, Settings, tls};

/// Speaks to registries. Cheap to clone; clones share logins and what is known of the registries.
#[derive(Clone)]
pub struct Client {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) settings: Settings,
    pub(crate) runtime: Handle,
    http: reqwest::Client,
    registries: tokio::sync::Mutex<HashMap<String, Exchange>>,
    /// Blobs that are certainly in a repository: registry, repository, digest.
    known: Mutex<HashSet<(String, String, Digest)>>,
    pub(crate) documents: Documents,
    pub(crate) sessions: Sessions,
    pub(crate) memory: HostMemory,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("settings", &self.inner.settings).finish_non_exhaustive()
    }
}

impl Client {
    /// A client that runs its work on `runtime`, which must have time and I/O enabled and threads
    /// for blocking work.
    ///
    /// # Errors
    /// A certificate file or a proxy address that cannot be used.
    pub fn new(settings: Settings, runtime: Handle) -> Result<Self> {
        let setting = |setting| {
            move |error: reqwest::Error| Error::Setting {
                setting,
                reason: error.without_url().to_string(),
            }
        };
        // One connection per blob under way: with HTTP/2 all would share one connection's window.
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls::config(&settings.ca_certs)?)
            .http1_only()
            .redirect(Policy::none())
            .user_agent(&settings.user_agent)
            .connect_timeout(settings.idle_timeout)
            .no_proxy();
        // This machine is never reached by a proxy.
        let no_proxy = format!(
            "localhost,127.0.0.0/8,::1,{}",
            settings.proxies.no_proxy.as_deref().unwrap_or_default()
        );
        if let Some(address) = &settings.proxies.https {
            let proxy = Proxy::https(address).map_err(setting("HTTPS_PROXY"))?;
            builder = builder.proxy(proxy.no_proxy(NoProxy::from_string(&no_proxy)));
        }
        if let Some(address) = &settings.proxies.http {
            let proxy = Proxy::http(address).map_err(setting("HTTP_PROXY"))?;
            builder = builder.proxy(proxy.no_proxy(NoProxy::from_string(&no_proxy)));
        }
        let http = builder.build().map_err(setting("network"))?;
        Ok(Self {
            inner: Arc::new(Inner {
                documents: Documents::new(settings.state_dir.join("documents")),
                sessions: Sessions::new(settings.state_dir.join("uploads")),
                memory: HostMemory::new(settings.state_dir.join("hosts")),
                settings,
                runtime,
                http,
                registries: tokio::sync::Mutex::default(),
                known: Mutex::default(),
            }),
        })
    }

    /// Tries credentials on a registry, as `login` does before it stores them.
    ///
    /// # Errors
    /// [`Error::WrongCredentials`], [`Error::LoginNeeded`], or that the registry is not reached.
    pub async fn check_login(&self, registry: &str, credentials: Credentials) -> Result<()> {
        let store = CredentialStore::default().with_any(credentials);
        let exchange = self.open(registry, store).await?;
        let scope = Scope::registry();
        let what = "log in";
        let url = exchange.endpoint().url("");
        let response =
            exchange.send_again(|| Call::new(Method::GET, url.clone(), &scope, what)).await?;
        if response.status().is_success() {
            return Ok(());
        }
        Err(exchange.refusal(response, &scope, what).await)
    }

    /// The line to one registry.
    pub(crate) async fn exchange(&self, registry: &str) -> Result<Exchange> {
        let mut registries = self.inner.registries.lock().await;
        if let Some(known) = registries.get(registry) {
            return Ok(known.clone());
        }
        let exchange = self.open(registry, self.inner.settings.credentials.clone()).await?;
        registries.insert(registry.to_owned(), exchange.clone());
        Ok(exchange)
    }

    async fn open(&self, registry: &str, store: CredentialStore) -> Result<Exchange> {
        let settings = &self.inner.settings;
        let make = |endpoint| {
            Exchange::new(
                self.inner.http.clone(),
                endpoint,
                Auth::new(store.clone()),
                settings.retry,
                settings.clock.clone(),
                settings.idle_timeout,
                settings.proxies.https.is_none() && settings.proxies.http.is_none(),
            )
        };
        let endpoint = Endpoint::new(registry, &settings.insecure_registries)?;
        if !endpoint.may_be_plain() {
            return Ok(make(endpoint));
        }
        // As Docker does: TLS if the host speaks it, and no way around a bad certificate.
        let secure = make(endpoint.with_tls());
        match secure.ping().await {
            Ok(()) => Ok(secure),
            Err(error @ Error::Certificate { .. }) => Err(error),
            Err(_) => Ok(make(endpoint)),
        }
    }

    pub(crate) fn is_known(&self, target: &Reference, digest: Digest) -> bool {
        self.known().contains(&key(target, digest))
    }

    pub(crate) fn learn(&self, target: &Reference, digest: Digest) {
        self.known().insert(key(target, digest));
        self.inner.memory.remember_blob(target.registry(), target.repository(), digest);
    }

    fn known(&self) -> MutexGuard<'_, HashSet<(String, String, Digest)>> {
        self.inner.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(target: &Reference, digest: Digest) -> (String, String, Digest) {
    (target.registry().to_owned(), target.repository().to_owned(), digest)
}
