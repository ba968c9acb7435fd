//! Who is logged in where, and the order in which that is looked up.

use std::path::PathBuf;

use crate::docker_config;
use crate::{Result, Secret};

/// How to log in to one registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credentials {
    /// Not at all; also stops the lookup, so that an address alone means anonymous.
    Anonymous,
    /// User and password, service principal and its secret, admin user, repository token.
    Basic {
        /// User name or the application's id.
        username: String,
        /// Password or secret.
        password: Secret,
    },
    /// An OAuth2 refresh token, as `docker login` keeps it in `identitytoken`.
    IdentityToken(Secret),
    /// An access token of Azure Active Directory, exchanged at the registry's `/oauth2/exchange`.
    AzureAccessToken(Secret),
    /// A registry token that is sent as it is.
    Bearer(Secret),
}

impl Credentials {
    /// The user name Azure Container Registry gives to refresh tokens (Azure/acr, AAD-OAuth.md).
    const TOKEN_USER: &str = "00000000-0000-0000-0000-000000000000";

    /// What they are once the names that stand for "this is a token" have been read.
    pub(crate) fn meant(self) -> Self {
        match self {
            Self::Basic { username, password }
                if (username == Self::TOKEN_USER || username == "<token>")
                    && !password.reveal().is_empty() =>
            {
                Self::IdentityToken(password)
            }
            other => other,
        }
    }

    /// The user, for messages.
    pub(crate) fn user(&self) -> String {
        match self {
            Self::Anonymous => "nobody".to_owned(),
            Self::Basic { username, .. } => format!("user `{username}`"),
            Self::IdentityToken(_) => "the identity token".to_owned(),
            Self::AzureAccessToken(_) => "the Azure access token".to_owned(),
            Self::Bearer(_) => "the bearer token".to_owned(),
        }
    }
}

/// The places credentials are looked for: first those given outright, in their order (the caller
/// puts flags before the inference config before the environment), then files in their order
/// (Docker's `config.json` before podman's `auth.json`), else anonymous.
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

    /// Adds credentials for whatever registry is asked; earlier ones win.
    #[must_use]
    pub fn with_any(mut self, credentials: Credentials) -> Self {
        self.given.push((None, credentials));
        self
    }

    /// Adds a file in the form of Docker's `config.json`; podman's `auth.json` has the same. It
    /// need not exist.
    #[must_use]
    pub fn with_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.files.push(path.into());
        self
    }

    /// The credentials for a repository of a registry. Reads files and runs credential helpers, so
    /// it blocks.
    ///
    /// # Errors
    /// A file that is there but cannot be read, or a helper that fails.
    pub fn find(&self, registry: &str, repository: &str) -> Result<Credentials> {
        for (host, credentials) in &self.given {
            if host.as_deref().is_none_or(|host| docker_config::same_registry(host, registry)) {
                return Ok(credentials.clone().meant());
            }
        }
        for path in &self.files {
            if let Some(found) = docker_config::read(path, registry, repository)? {
                return Ok(found.meant());
            }
        }
        Ok(Credentials::Anonymous)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
