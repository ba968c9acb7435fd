//! The login state of one registry: its challenge, credentials and tokens.

use std::collections::HashMap;
use std::sync::Mutex as StdMutex;

use reqwest::header::HeaderValue;
use tokio::sync::Mutex;

use crate::authorization::{basic, bearer};
use crate::challenge::Challenge;
use crate::connection::Connection;
use crate::credential_store::CredentialStore;
use crate::credentials::{AZURE_TOKEN_USER, Credentials};
use crate::error::{AuthError, Error, Result};
use crate::scope::Scope;
use crate::token::{self, Token};

/// The login state of one registry, shared by all requests to it.
pub(crate) struct Auth {
    store: CredentialStore,
    challenge: StdMutex<Option<Challenge>>,
    credentials: Mutex<HashMap<String, Credentials>>,
    /// By scopes. Held while a token is fetched, so that parallel requests fetch one.
    tokens: Mutex<HashMap<String, Token>>,
}

impl Auth {
    pub(crate) fn new(store: CredentialStore) -> Self {
        Self {
            store,
            challenge: StdMutex::default(),
            credentials: Mutex::default(),
            tokens: Mutex::default(),
        }
    }

    pub(crate) fn record_challenge(&self, challenge: Challenge) {
        *lock(&self.challenge) = Some(challenge);
    }

    pub(crate) fn challenge(&self) -> Option<Challenge> {
        lock(&self.challenge).clone()
    }

    /// Returns the credentials for a repository, looked up once on a thread that may block.
    pub(crate) async fn credentials(
        &self,
        registry: &str,
        repository: &str,
    ) -> Result<Credentials> {
        let mut known = self.credentials.lock().await;
        if let Some(found) = known.get(repository) {
            return Ok(found.clone());
        }
        let (store, host, name) = (self.store.clone(), registry.to_owned(), repository.to_owned());
        let found = tokio::task::spawn_blocking(move || store.find(&host, &name)).await.map_err(
            |error| Error::Setting { setting: "credentials".to_owned(), reason: error.to_string() },
        )??;
        known.insert(repository.to_owned(), found.clone());
        Ok(found)
    }

    /// Returns the `Authorization` for a request; `None` if none is needed or available. `refused` is
    /// one that was just answered by 401 and must not be used again.
    pub(crate) async fn header(
        &self,
        connection: &Connection,
        scope: &Scope,
        refused: Option<&HeaderValue>,
    ) -> Result<Option<HeaderValue>> {
        let Some(challenge) = self.challenge() else { return Ok(None) };
        let registry = &connection.endpoint().name;
        let credentials = self.credentials(registry, &scope.repository).await?;
        let asked = match (&challenge, &credentials) {
            (_, Credentials::Bearer(token)) => return Ok(Some(bearer(token))),
            (Challenge::Basic, Credentials::Basic { username, password }) => {
                return Ok(Some(basic(username, password)));
            }
            (Challenge::Basic, Credentials::Anonymous) => return Ok(None),
            // Azure takes refresh tokens as a password too.
            (Challenge::Basic, Credentials::IdentityToken(token)) => {
                return Ok(Some(basic(AZURE_TOKEN_USER, token)));
            }
            (Challenge::Basic, Credentials::AzureAccessToken(_)) => return Ok(None),
            (Challenge::Bearer(challenge), _) => challenge,
        };
        let mut scopes = scope.texts();
        // A registry may know better what it needs.
        if refused.is_some() && asked.error.as_deref() == Some("insufficient_scope") {
            scopes.extend(asked.scopes.iter().filter(|s| !scope.texts().contains(s)).cloned());
        }
        let key = scopes.join(" ");
        let mut tokens = self.tokens.lock().await;
        if let Some(token) = tokens.get(&key) {
            let header = bearer(&token.secret);
            if refused != Some(&header) && token.until > connection.clock().now() {
                return Ok(Some(header));
            }
        }
        let token =
            token::fetch(connection, asked, &scopes, &credentials).await.map_err(|error| {
                match error {
                    Error::Auth(AuthError::LoginNeeded { registry, reply, .. }) => {
                        let (repository, action) = (scope.repository.clone(), scope.action);
                        AuthError::LoginNeeded { registry, repository, action, reply }.into()
                    }
                    other => other,
                }
            })?;
        let header = bearer(&token.secret);
        tokens.insert(key, token);
        Ok(Some(header))
    }
}

fn lock<T>(mutex: &StdMutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
