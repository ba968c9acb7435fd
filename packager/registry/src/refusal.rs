//! What a refusal means.

use reqwest::{Response, StatusCode};

use crate::challenge::Challenge;
use crate::credentials::Credentials;
use crate::error::{AuthError, ContentError, Error};
use crate::scope::Scope;
use crate::transport::Transport;

impl Transport {
    /// Returns the error a refusal means.
    pub(crate) async fn refusal(&self, response: Response, scope: &Scope, action: &str) -> Error {
        if response.status() == StatusCode::UNAUTHORIZED {
            return self.unauthorized(response, scope).await;
        }
        let reply = self.reply(response).await;
        let (registry, repository) = (self.endpoint().name.clone(), scope.repository.clone());
        if reply.status == 429 || reply.is(&["TOOMANYREQUESTS"]) {
            return Error::RateLimited { registry, reply };
        }
        if reply.status == 403 || reply.is(&["DENIED"]) {
            let credentials = self.credentials(&scope.repository).await;
            let anonymous = matches!(credentials, Ok(Credentials::Anonymous));
            let action = scope.action;
            return AuthError::Denied { registry, repository, action, anonymous, reply }.into();
        }
        if reply.is(&["NAME_UNKNOWN"]) {
            let action = scope.action;
            return ContentError::RepositoryMissing { registry, repository, action, reply }.into();
        }
        Error::Refused { registry, action: action.to_owned(), reply }
    }

    /// Returns the error a 401 means.
    pub(crate) async fn unauthorized(&self, response: Response, scope: &Scope) -> Error {
        let challenge = Challenge::of(response.headers());
        let reply = self.reply(response).await;
        let credentials = match self.credentials(&scope.repository).await {
            Ok(credentials) => credentials,
            Err(error) => return error,
        };
        let reason = match challenge {
            Some(Challenge::Bearer(bearer)) => Some(bearer.error.unwrap_or_default()),
            _ => None,
        };
        let (registry, repository) = (self.endpoint().name.clone(), scope.repository.clone());
        let action = scope.action;
        match (credentials, reason.as_deref()) {
            (Credentials::Anonymous, _) => {
                AuthError::LoginNeeded { registry, repository, action, reply }
            }
            (credentials @ Credentials::Bearer(_), _) | (credentials, None) => {
                AuthError::WrongCredentials { registry, user: credentials.user(), reply }
            }
            (_, Some("invalid_token")) => AuthError::TokenRefused { registry, reply },
            (_, Some(_)) => {
                AuthError::Denied { registry, repository, action, anonymous: false, reply }
            }
        }
        .into()
    }
}
