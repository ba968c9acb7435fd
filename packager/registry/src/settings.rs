//! Everything a client needs to know, given by the caller.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use mlpack_http::{Clock, RetryPolicy, SystemClock};

use crate::CredentialStore;

/// Settings of a [`Client`](crate::Client). [`Settings::new`] gives the defaults.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Who is logged in where.
    pub credentials: CredentialStore,
    /// PEM files with certificates to trust besides the system's.
    pub ca_certs: Vec<PathBuf>,
    /// Hosts (with port, if any) that may be spoken to without TLS and may lie at private
    /// addresses even when a public registry leads there. Loopback needs no entry.
    pub insecure_registries: Vec<String>,
    /// Folder for upload sessions, adapted chunk sizes, cached manifests and configs. Created when
    /// needed; may be deleted at any time.
    pub state_dir: PathBuf,
    /// Sent as `User-Agent`.
    pub user_agent: String,
    /// Blobs moved at the same time.
    pub max_parallel: usize,
    /// Length of upload chunks in bytes; `None` is one streaming request per blob where the
    /// registry takes it.
    pub chunk_size: Option<u64>,
    /// Proxies, as the caller found them in its environment.
    pub proxies: Proxies,
    /// How often and how long to wait for a registry that fails for the moment.
    pub retry: RetryPolicy,
    /// Measures the waits between attempts and the life of tokens.
    pub clock: Arc<dyn Clock>,
    /// Time without a single byte after which a connection counts as broken.
    pub idle_timeout: Duration,
    /// Time the registry may take over the last request of an upload, when it hashes the blob.
    pub finish_timeout: Duration,
}

/// What `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` say.
#[derive(Clone, Default)]
pub struct Proxies {
    /// Proxy for https addresses.
    pub https: Option<String>,
    /// Proxy for http addresses.
    pub http: Option<String>,
    /// Hosts, domains and networks that are reached directly, separated by commas.
    pub no_proxy: Option<String>,
}

impl std::fmt::Debug for Proxies {
    // A proxy address may hold a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Proxies")
            .field("https", &self.https.is_some())
            .field("http", &self.http.is_some())
            .field("no_proxy", &self.no_proxy)
            .finish()
    }
}

impl Settings {
    /// Anonymous, the system's certificates, four blobs at a time.
    pub fn new(state_dir: impl Into<PathBuf>) -> Self {
        Self {
            credentials: CredentialStore::default(),
            ca_certs: Vec::new(),
            insecure_registries: Vec::new(),
            state_dir: state_dir.into(),
            user_agent: concat!("mlpack/", env!("CARGO_PKG_VERSION")).to_owned(),
            max_parallel: 4,
            chunk_size: None,
            proxies: Proxies::default(),
            retry: RetryPolicy::default(),
            clock: Arc::new(SystemClock),
            idle_timeout: Duration::from_secs(60),
            finish_timeout: Duration::from_secs(15 * 60),
        }
    }
}
