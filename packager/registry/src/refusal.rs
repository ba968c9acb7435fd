//! Reading answers, and what an unhappy one means.

use mlpack_http::{Cause, CauseKind};
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

    /// Returns the error a failed connection means.
    pub(crate) fn connection(&self, host: Option<&str>, error: reqwest::Error) -> Error {
        let host = host.unwrap_or(&self.endpoint().name).to_owned();
        let Cause { kind, reason } = Cause::of(error);
        match kind {
            CauseKind::Certificate { outside_validity } => {
                Error::Certificate { host, reason, outside_validity }
            }
            CauseKind::NameUnknown => Error::NameUnknown { host, reason },
            // A registry that was there a moment ago is being restarted: that takes longer.
            CauseKind::Unreachable if !self.has_heard(&host) => Error::Unreachable { host, reason },
            _ => Error::Connection { host, reason },
        }
    }
}
