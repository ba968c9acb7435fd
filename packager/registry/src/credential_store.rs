//! Where credentials come from, and in which order.

use std::path::{Path, PathBuf};

use crate::credentials::Credentials;
use crate::docker_config;
use crate::error::Result;

/// The places credentials are looked up in: first those given directly, in their order (the caller
/// puts flags before the inference config before the environment), then files in their order
/// (Docker's `config.json` before podman's `auth.json`). Without any the login is anonymous.
#[derive(Debug, Clone, Default)]
pub struct CredentialStore {
    given: Vec<(Option<String>, Credentials)>,
    files: Vec<PathBuf>,
}

impl CredentialStore {
    /// Adds credentials for one registry, as in `example.azurecr.io`; earlier ones win.
    #[must_use]
    pub fn with(mut self, registry: impl Into<String>, credentials: Credentials) -> Self {
        self.given.push((Some(registry.into()), credentials));
        self
    }

    /// Adds credentials for any registry; earlier ones win.
    #[must_use]
    pub fn with_any(mut self, credentials: Credentials) -> Self {
        self.given.push((None, credentials));
        self
    }

    /// Adds a file in the format of Docker's `config.json`, which podman's `auth.json` shares. It need
    /// not exist.
    #[must_use]
    pub fn with_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.files.push(path.into());
        self
    }

    /// Returns the credentials for a repository. Reads files and runs credential helpers, so it blocks.
    ///
    /// # Errors
    /// A file that exists but cannot be read, or a helper that fails.
    pub fn find(&self, registry: &str, repository: &str) -> Result<Credentials> {
        for (host, credentials) in &self.given {
            if host.as_deref().is_none_or(|host| docker_config::same_registry(host, registry)) {
                return Ok(credentials.clone().normalized());
            }
        }
        for path in &self.files {
            if let Some(found) = docker_config::read(path, registry, repository)? {
                return Ok(found.normalized());
            }
        }
        Ok(Credentials::Anonymous)
    }

    /// Stores credentials where Docker reads them: in the helper the file names for the registry,
    /// else in the file itself, which only its owner may then read. Other entries are kept.
    ///
    /// # Errors
    /// The file cannot be read or written, or the helper fails.
    pub fn login(path: &Path, registry: &str, credentials: &Credentials) -> Result<()> {
        docker_config::login(path, registry, credentials)
    }

    /// Removes a registry from the helper and the file. Returns `false` if it was in neither.
    ///
    /// # Errors
    /// The file cannot be read or written, or the helper fails.
    pub fn logout(path: &Path, registry: &str) -> Result<bool> {
        docker_config::logout(path, registry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Secret;

    fn basic(username: &str) -> Credentials {
        Credentials::Basic { username: username.to_owned(), password: Secret::new("secret") }
    }

    #[test]
    fn given_credentials_win_in_their_order_and_files_come_last() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("config.json");
        std::fs::write(&file, r#"{"auths":{"b.example":{"auth":"ZmlsZTpzZWNyZXQ="}}}"#).unwrap();
        let store = CredentialStore::default()
            .with("a.example", basic("flag"))
            .with("a.example", basic("config"))
            .with("c.example", Credentials::Anonymous)
            .with_file(dir.path().join("none.json"))
            .with_file(&file);
        assert_eq!(store.find("a.example", "x").unwrap(), basic("flag"));
        assert_eq!(store.find("b.example", "x").unwrap(), basic("file"));
        assert_eq!(store.find("c.example", "x").unwrap(), Credentials::Anonymous);
        assert_eq!(store.find("d.example", "x").unwrap(), Credentials::Anonymous);
        let any = store.with_any(basic("any"));
        assert_eq!(any.find("b.example", "x").unwrap(), basic("any"));
    }

    #[test]
    fn the_zero_user_means_a_refresh_token() {
        let store = CredentialStore::default().with_any(Credentials::Basic {
            username: "00000000-0000-0000-0000-000000000000".to_owned(),
            password: Secret::new("refresh"),
        });
        let token = Credentials::IdentityToken(Secret::new("refresh"));
        assert_eq!(store.find("a.azurecr.io", "x").unwrap(), token);
    }

    #[test]
    fn debug_shows_no_secret() {
        let store = CredentialStore::default().with("a.example", basic("me"));
        let text = format!("{store:?}");
        assert!(text.contains("me") && text.contains("***") && !text.contains("secret"), "{text}");
    }
}
