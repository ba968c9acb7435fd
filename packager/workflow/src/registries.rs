//! Clients for registries, and which login goes to which of them.

use std::path::PathBuf;
use std::sync::OnceLock;

use mlpack_oci::Location;
use mlpack_project::project::RegistryAccess;
use mlpack_registry::{Client, CredentialStore, Credentials, Proxies, Secret, Settings};

use crate::{Error, Result, Session};

/// How registries are reached and who logs in.
#[derive(Default)]
pub struct Registries {
    /// User name for the registry that the run is bound to; [`Reporter::password`] has the
    /// password.
    ///
    /// [`Reporter::password`]: crate::Reporter::password
    pub username: Option<String>,
    /// Other logins for the registry that the run is bound to, after the base image's own.
    pub logins: Vec<Credentials>,
    /// Files with stored logins, in the order they are searched.
    pub credential_files: Vec<PathBuf>,
    /// Files of certificates to trust in addition to the system's.
    pub ca_certs: Vec<PathBuf>,
    /// Registries that may be reached over plain HTTP.
    pub insecure: Vec<String>,
    /// HTTP proxies.
    pub proxies: Proxies,
    /// The one registry that the logins above are sent to, see [`Registries::bind`].
    pub bound: OnceLock<String>,
}

impl Registries {
    /// Binds the logins to the registry of `location`, unless they are bound already: a run names
    /// its output first, then what it reads. Other registries never see them.
    pub fn bind(&self, location: &Location) {
        if let Location::Registry(reference) = location {
            let _ = self.bound.set(reference.registry().to_owned());
        }
    }
}

impl Session {
    /// Makes a client for registries. `access` is the base image's own login, which comes after
    /// the user name of the command and before everything stored.
    ///
    /// # Errors
    /// If the password or a certificate cannot be read.
    pub fn registry(&self, access: Option<&RegistryAccess>) -> Result<Client> {
        let registries = &self.registries;
        let bound = registries.bound.get();
        let mut store = CredentialStore::default();
        if let (Some(username), Some(host)) = (&registries.username, bound) {
            let password = self.reporter.password().map_err(|source| Error::Io {
                action: "read",
                place: "the password".to_owned(),
                source,
            })?;
            store = store.with(host.clone(), basic(username, password));
        }
        if let Some(RegistryAccess { address: Some(address), username, password }) = access {
            let login = match (username, password) {
                (Some(username), Some(password)) => basic(username, password.reveal()),
                _ => Credentials::Anonymous,
            };
            store = store.with(address.clone(), login);
        }
        if let Some(host) = bound {
            for login in &registries.logins {
                store = store.with(host.clone(), login.clone());
            }
        }
        for file in &registries.credential_files {
            store = store.with_file(file);
        }
        let mut settings = Settings::new(self.cache.join("registry"));
        settings.credentials = store;
        settings.ca_certs.clone_from(&registries.ca_certs);
        settings.insecure_registries.clone_from(&registries.insecure);
        settings.proxies = registries.proxies.clone();
        Ok(Client::new(settings, self.runtime.clone())?)
    }
}

fn basic(username: &str, password: impl Into<String>) -> Credentials {
    Credentials::Basic { username: username.to_owned(), password: Secret::new(password) }
}
