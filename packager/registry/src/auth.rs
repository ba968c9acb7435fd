//! What is known about logging in to one registry: its challenge, credentials and tokens.

use std::collections::HashMap;
use std::sync::Mutex as StdMutex;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::HeaderValue;
use tokio::sync::Mutex;

use crate::challenge::Challenge;
use crate::exchange::Exchange;
use crate::token::{self, Token};
use crate::{CredentialStore, Credentials, Error, Result, Secret};

/// What a request is about, so that the right token goes with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scope {
    pub(crate) repository: String,
    pub(crate) action: &'static str,
    /// Repositories to mount from; they need the right to pull in the same token.
    pub(crate) sources: Vec<String>,
}

impl Scope {
    pub(crate) fn pull(repository: &str) -> Self {
        Self { repository: repository.to_owned(), action: "pull", sources: Vec::new() }
    }

    pub(crate) fn push(repository: &str) -> Self {
        Self { repository: repository.to_owned(), action: "push", sources: Vec::new() }
    }

    /// The registry as a whole, for login.
    pub(crate) fn registry() -> Self {
        Self { repository: String::new(), action: "pull", sources: Vec::new() }
    }

    pub(crate) fn and_pull_from(mut self, source: &str) -> Self {
        self.sources.push(source.to_owned());
        self
    }

    /// In the words of the token protocol; the push scope first, which some servers insist on.
    pub(crate) fn texts(&self) -> Vec<String> {
        if self.repository.is_empty() {
            return Vec::new();
        }
        let actions = if self.action == "push" { "pull,push" } else { "pull" };
        let mut texts = vec![format!("repository:{}:{actions}", self.repository)];
        texts.extend(self.sources.iter().map(|source| format!("repository:{source}:pull")));
        texts
    }
}

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

    pub(crate) fn learn(&self, challenge: Challenge) {
        *lock(&self.challenge) = Some(challenge);
    }

    pub(crate) fn challenge(&self) -> Option<Challenge> {
        lock(&self.challenge).clone()
    }

    /// The credentials for a repository; looked up once, on a thread that may block.
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
            |error| Error::Setting { setting: "credentials", reason: error.to_string() },
        )??;
        known.insert(repository.to_owned(), found.clone());
        Ok(found)
    }

    /// The `Authorization` for a request; `None` if none is needed or to be had. `refused` is one
    /// that was just answered by 401 and must not be used again.
    pub(crate) async fn header(
        &self,
        exchange: &Exchange,
        scope: &Scope,
        refused: Option<&HeaderValue>,
    ) -> Result<Option<HeaderValue>> {
        let Some(challenge) = self.challenge() else { return Ok(None) };
        let registry = &exchange.endpoint().name;
        let credentials = self.credentials(registry, &scope.repository).await?;
        let bearer = match (&challenge, &credentials) {
            (_, Credentials::Bearer(token)) => return Ok(Some(bearer_header(token))),
            (Challenge::Basic, Credentials::Basic { username, password }) => {
                return Ok(Some(basic(username, password)));
            }
            (Challenge::Basic, Credentials::Anonymous) => return Ok(None),
            // Azure takes refresh tokens as a password too.
            (Challenge::Basic, Credentials::IdentityToken(token)) => {
                return Ok(Some(basic("00000000-0000-0000-0000-000000000000", token)));
            }
            (Challenge::Basic, Credentials::AzureAccessToken(_)) => return Ok(None),
            (Challenge::Bearer(bearer), _) => bearer,
        };
        let mut scopes = scope.texts();
        // A registry may know better what it needs.
        if refused.is_some() && bearer.error.as_deref() == Some("insufficient_scope") {
            scopes.extend(bearer.scopes.iter().filter(|s| !scope.texts().contains(s)).cloned());
        }
        let key = scopes.join(" ");
        let mut tokens = self.tokens.lock().await;
        if let Some(token) = tokens.get(&key) {
            let header = bearer_header(&token.secret);
            if refused != Some(&header) && token.until > exchange.clock().now() {
                return Ok(Some(header));
            }
        }
        let token = token::fetch(exchange, bearer, &scopes, &credentials).await.map_err(
            |error| match error {
                Error::LoginNeeded { registry, reply, .. } => Error::LoginNeeded {
                    registry,
                    repository: scope.repository.clone(),
                    action: scope.action,
                    reply,
                },
                other => other,
            },
        )?;
        let header = bearer_header(&token.secret);
        tokens.insert(key, token);
        Ok(Some(header))
    }
}

fn lock<T>(mutex: &StdMutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// `Basic` with user and password (RFC 7617).
pub(crate) fn basic(username: &str, password: &Secret) -> HeaderValue {
    hidden(&format!("Basic {}", STANDARD.encode(format!("{username}:{}", password.reveal()))))
}

fn bearer_header(token: &Secret) -> HeaderValue {
    hidden(&format!("Bearer {}", token.reveal()))
}

/// A header whose `Debug` shows nothing. Text that no header can hold becomes an empty one, which
/// the registry will refuse.
fn hidden(text: &str) -> HeaderValue {
    let mut value = HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""));
    value.set_sensitive(true);
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_push_scope_comes_first() {
        let scope = Scope::push("a/b").and_pull_from("base").and_pull_from("other");
        assert_eq!(
            scope.texts(),
            ["repository:a/b:pull,push", "repository:base:pull", "repository:other:pull"]
        );
        assert_eq!(Scope::pull("a").texts(), ["repository:a:pull"]);
        assert_eq!(Scope::registry().texts(), Vec::<String>::new());
    }

    #[test]
    fn headers_hide_themselves() {
        let header = basic("user", &Secret::new("pass"));
        assert_eq!(header.to_str().unwrap(), "Basic dXNlcjpwYXNz");
        assert_eq!(format!("{header:?}"), "Sensitive");
    }
}
