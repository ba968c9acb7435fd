//! Reading answers, and what an unhappy one means.

use std::io;

use reqwest::{Response, StatusCode};

use crate::auth::Scope;
use crate::challenge::Challenge;
use crate::exchange::{Exchange, place};
use crate::reply::MAX_ERROR_BODY;
use crate::{Credentials, Error, Reply, Result};

impl Exchange {
    /// Reads a body of at most `limit` bytes.
    pub(crate) async fn body(
        &self,
        mut response: Response,
        what: &'static str,
        limit: u64,
    ) -> Result<Vec<u8>> {
        let host = place(response.url());
        let too_large = |size| mlpack_oci::Error::DocumentTooLarge {
            what,
            place: self.endpoint().name.clone(),
            size,
            limit,
        };
        if let Some(size) = response.content_length().filter(|size| *size > limit) {
            return Err(too_large(size).into());
        }
        let mut bytes = Vec::new();
        loop {
            let chunk = tokio::time::timeout(self.idle(), response.chunk()).await;
            let chunk = chunk.map_err(|_| Error::Silent {
                host: host.clone(),
                what: format!("send the {what}"),
                waited: self.idle(),
            })?;
            let Some(chunk) = chunk.map_err(|error| self.connection(Some(&host), error))? else {
                return Ok(bytes);
            };
            bytes.extend_from_slice(&chunk);
            if bytes.len() as u64 > limit {
                return Err(too_large(bytes.len() as u64).into());
            }
        }
    }

    /// What an unhappy answer says.
    pub(crate) async fn reply(&self, response: Response) -> Box<Reply> {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        // An answer whose body cannot be read still has a status.
        let body = self.body(response, "error", MAX_ERROR_BODY).await.unwrap_or_default();
        Box::new(Reply::new(status, &headers, &body))
    }

    /// The error an unhappy answer means.
    pub(crate) async fn refusal(&self, response: Response, scope: &Scope, what: &str) -> Error {
        let registry = self.endpoint().name.clone();
        if response.status() == StatusCode::UNAUTHORIZED {
            return self.unauthorized(response, scope).await;
        }
        let reply = self.reply(response).await;
        let repository = scope.repository.clone();
        let action = scope.action;
        if reply.status == 429 || reply.is(&["TOOMANYREQUESTS"]) {
            return Error::RateLimited { registry, reply };
        }
        if reply.status == 403 || reply.is(&["DENIED"]) {
            let anonymous =
                matches!(self.credentials(&scope.repository).await, Ok(Credentials::Anonymous));
            return Error::Denied { registry, repository, action, anonymous, reply };
        }
        if reply.is(&["NAME_UNKNOWN"]) {
            return Error::RepositoryMissing { registry, repository, action, reply };
        }
        Error::Refused { registry, what: what.to_owned(), reply }
    }

    pub(crate) async fn unauthorized(&self, response: Response, scope: &Scope) -> Error {
        let registry = self.endpoint().name.clone();
        let challenge = Challenge::of(response.headers());
        let reply = self.reply(response).await;
        let repository = scope.repository.clone();
        let action = scope.action;
        let credentials = match self.credentials(&scope.repository).await {
            Ok(credentials) => credentials,
            Err(error) => return error,
        };
        let says = match challenge {
            Some(Challenge::Bearer(bearer)) => Some(bearer.error.unwrap_or_default()),
            _ => None,
        };
        match (credentials, says.as_deref()) {
            (Credentials::Anonymous, _) => {
                Error::LoginNeeded { registry, repository, action, reply }
            }
            (credentials @ Credentials::Bearer(_), _) | (credentials, None) => {
                Error::WrongCredentials { registry, user: credentials.user(), reply }
            }
            (_, Some("invalid_token")) => Error::TokenRefused { registry, reply },
            (_, Some(_)) => Error::Denied { registry, repository, action, anonymous: false, reply },
        }
    }

    pub(crate) fn protocol(&self, what: &str, reason: &str) -> Error {
        Error::Protocol {
            registry: self.endpoint().name.clone(),
            what: what.to_owned(),
            reason: reason.to_owned(),
        }
    }

    /// What a failed connection means, by its root cause alone: the layers of the HTTP client
    /// above it tell nobody anything. Addresses are left out: their queries hold tokens.
    pub(crate) fn connection(&self, host: Option<&str>, error: reqwest::Error) -> Error {
        let host = host.unwrap_or(&self.endpoint().name).to_owned();
        let error = error.without_url();
        let mut reason = error.to_string();
        let mut source = std::error::Error::source(&error);
        let mut certificate = None;
        let (mut unresolved, mut unreachable) = (false, false);
        while let Some(inner) = source {
            reason = inner.to_string();
            unresolved |= reason.starts_with("dns error");
            if let Some(found) = untrusted(inner) {
                certificate = Some(found);
            }
            unreachable |= inner.downcast_ref().is_some_and(is_nobody_there);
            source = inner.source();
        }
        if let Some(reason) = certificate {
            return Error::Certificate { host, reason };
        }
        let reason = plain(&reason);
        // A registry that was there a moment ago is being restarted: that takes longer.
        match () {
            () if unresolved => Error::NameUnknown { host, reason },
            () if unreachable && !self.has_heard(&host) => Error::Unreachable { host, reason },
            () => Error::Connection { host, reason },
        }
    }
}

fn is_nobody_there(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionRefused, HostUnreachable, NetworkUnreachable};
    matches!(error.kind(), ConnectionRefused | HostUnreachable | NetworkUnreachable)
}

/// The system's words without what the standard library puts around them.
fn plain(reason: &str) -> String {
    let reason = reason.strip_prefix("failed to lookup address information: ").unwrap_or(reason);
    match reason.split_once(" (os error ") {
        Some((words, _)) => words.to_owned(),
        None => reason.to_owned(),
    }
}

/// What TLS has against a certificate. An [`io::Error`] gives its inner error's source as its
/// own, so the inner one has to be looked at by hand, as often as it is wrapped.
fn untrusted(error: &(dyn std::error::Error + 'static)) -> Option<String> {
    if let Some(rustls::Error::InvalidCertificate(reason)) = error.downcast_ref() {
        return Some(reason.to_string());
    }
    untrusted(error.downcast_ref::<io::Error>()?.get_ref()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_the_systems_own_words() {
        for (text, words) in [
            ("Connection refused (os error 111)", "Connection refused"),
            (
                "failed to lookup address information: Name or service not known",
                "Name or service not known",
            ),
            (
                "connection closed before message completed",
                "connection closed before message completed",
            ),
        ] {
            assert_eq!(plain(text), words);
        }
    }
}
