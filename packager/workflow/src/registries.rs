//! How registries are reached, and which login goes to which of them.

use std::io;
use std::path::PathBuf;
use std::sync::OnceLock;

use mlpack_oci::Location;
use mlpack_project::project::RegistryAccess;
use mlpack_registry::{CredentialStore, Credentials, Proxies, Secret, Settings};

/// How registries are reached and who logs in.
#[derive(Default)]
pub struct Registries {
    /// User name for the registry that the run is bound to; the reporter has the password.
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

    /// Returns the settings of a client. `access` is the base image's own login, which comes after
    /// the user name and before everything stored; `password` is read if the user name is used.
    pub(crate) fn settings(
        &self,
        state_dir: PathBuf,
        access: Option<&RegistryAccess>,
        password: impl FnOnce() -> io::Result<String>,
    ) -> io::Result<Settings> {
        let bound = self.bound.get();
        let mut store = CredentialStore::default();
        if let (Some(username), Some(host)) = (&self.username, bound) {
            store = store.with(host.clone(), basic(username, password()?));
        }
        if let Some(RegistryAccess { address: Some(address), username, password }) = access {
            let login = match (username, password) {
                (Some(username), Some(password)) => basic(username, password.reveal()),
                _ => Credentials::Anonymous,
            };
            store = store.with(address.clone(), login);
        }
        if let Some(host) = bound {
            for login in &self.logins {
                store = store.with(host.clone(), login.clone());
            }
        }
        for file in &self.credential_files {
            store = store.with_file(file);
        }
        let mut settings = Settings::new(state_dir);
        settings.credentials = store;
        settings.ca_certs.clone_from(&self.ca_certs);
        settings.insecure_registries.clone_from(&self.insecure);
        settings.proxies = self.proxies.clone();
        Ok(settings)
    }
}

fn basic(username: &str, password: impl Into<String>) -> Credentials {
    Credentials::Basic { username: username.to_owned(), password: Secret::new(password) }
}
