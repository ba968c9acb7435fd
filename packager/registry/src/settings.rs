//! The settings of a client, provided by the caller.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use mlpack_http::{Clock, RetryPolicy, SystemClock};

use crate::credential_store::CredentialStore;

/// Settings of a client. [`Settings::new`] returns the defaults.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where credentials are looked up.
    pub credentials: CredentialStore,
    /// PEM files with certificates to trust besides the system's.
    pub ca_certs: Vec<PathBuf>,
    /// Hosts (with port, if any) to which plain HTTP is allowed, and which may have private addresses
    /// even when a public registry redirects to them. Loopback needs no entry.
    pub insecure_registries: Vec<String>,
    /// Folder for upload sessions, adapted chunk sizes, cached manifests and configs. Created when
    /// needed; can be deleted at any time.
    pub state_dir: PathBuf,
    /// Sent as `User-Agent`.
    pub user_agent: String,
    /// Blobs transferred at the same time.
    pub max_parallel: usize,
    /// Length of upload chunks in bytes; `None` chooses by the size of the blob and what the registry
    /// accepts.
    pub chunk_size: Option<u64>,
    /// Proxies, from the caller's environment.
    pub proxies: Proxies,
    /// Limits on retries of one request, or of one blob without progress.
    pub retry: RetryPolicy,
    /// Measures the waits between attempts and the lifetime of tokens.
    pub clock: Arc<dyn Clock>,
    /// Time without a single byte after which a connection counts as broken.
    pub idle_timeout: Duration,
    /// Time the registry may take over the last request of an upload, when it hashes the blob.
    pub finish_timeout: Duration,
}

/// The values of `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`.
#[derive(Clone, Default)]
pub struct Proxies {
    /// Proxy for https addresses.
    pub https: Option<String>,
    /// Proxy for http addresses.
    pub http: Option<String>,
    /// Hosts, domains and networks without a proxy, separated by commas.
    pub no_proxy: Option<String>,
}

impl std::fmt::Debug for Proxies {
    // A proxy's address can contain a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Proxies")
            .field("https", &self.https.is_some())
            .field("http", &self.http.is_some())
            .field("no_proxy", &self.no_proxy)
            .finish()
    }
}

impl Settings {
    /// Returns the defaults: anonymous, the system's certificates, four blobs at a time.
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
