//! Files of a local service: its keys and its certificate. They are deleted with the container, and `docker inspect`
//! does not show them.

use std::path::Path;

use crate::Result;
use crate::config::LocalConfig;
use crate::service_keys::ServiceKeys;
use crate::tls::Tls;

/// Names the container that takes over.
pub(super) const SUCCESSOR: &str = "successor";

/// Keys and certificate of a service that is about to be created.
pub(super) struct Files {
    pub(super) keys: Option<ServiceKeys>,
    pub(super) tls: Option<Tls>,
}

impl Files {
    /// Reads, checks and generates them. Relative paths start at `folder`.
    ///
    /// # Errors
    /// [`Error::Key`](crate::Error::Key), or [`PlacementError::Tls`](crate::PlacementError::Tls).
    pub(super) fn prepare(config: &LocalConfig, folder: &Path) -> Result<Self> {
        let keys = config.auth_enabled.then(|| ServiceKeys::of(&config.keys)).transpose()?;
        let tls = config.tls.as_ref();
        let tls = tls.map(|files| Tls::read(&files.certificate, &files.key, folder)).transpose()?;
        Ok(Self { keys, tls })
    }
}
