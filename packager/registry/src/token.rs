//! Fetches bearer tokens: anonymously, or with a password, a refresh token or an Azure access token.

use std::time::Duration;

use mlpack_http::is_transient;
use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{RequestBuilder, Url};
use serde::Deserialize;
use tokio::time::Instant;

use crate::authorization::basic;
use crate::challenge::Bearer;
use crate::connection::Connection;
use crate::credentials::Credentials;
use crate::error::{AuthError, Error, Result};
use crate::{Reply, Secret};

/// The longest answer of a token server, in bytes. Azure's tokens are some kilobytes.
const MAX_TOKEN_BODY: u64 = 1 << 20;

/// How long a token is valid if its issuer does not say (distribution, "Token Response Fields").
const DEFAULT_LIFE: u64 = 60;

/// A token that claims to live longer is asked for again after a day, in seconds.
const LONGEST_LIFE: u64 = 86_400;

/// For messages: what the requests are for.
const ACTION: &str = "get a token";

/// Names this program to token servers.
const CLIENT_ID: &str = "mlpack";

/// A token and the time until which it is used.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    pub(crate) secret: Secret,
    pub(crate) until: Instant,
}

#[derive(Deserialize)]
struct Answer {
    token: Option<String>,
    access_token: Option<String>,
    refresh_token: Option<String>,
    expires_in: Option<u64>,
}

/// Fetches a token for `scopes` from the realm of a challenge.
pub(crate) async fn fetch(
    connection: &Connection,
    bearer: &Bearer,
    scopes: &[String],
    credentials: &Credentials,
) -> Result<Token> {
    connection.allow(&bearer.realm).await?;
    let answer = match credentials {
        Credentials::Anonymous | Credentials::Bearer(_) => {
            get(connection, bearer, scopes, None, credentials).await?
        }
        Credentials::Basic { username, password } => {
            let header = basic(username, password);
            get(connection, bearer, scopes, Some(header), credentials).await?
        }
        Credentials::IdentityToken(token) => {
            refresh(connection, bearer, scopes, token, credentials).await?
        }
        Credentials::AzureAccessToken(token) => {
            let token = exchange_azure(connection, bearer, token, credentials).await?;
            refresh(connection, bearer, scopes, &token, credentials).await?
        }
    };
    // Azure says `access_token`, others `token`, some both.
    let text = answer.token.or(answer.access_token).filter(|token| !token.is_empty());
    let secret = text.ok_or_else(|| unusable(connection, "the answer contains no token"))?;
    let life = answer.expires_in.filter(|life| *life > 0).unwrap_or(DEFAULT_LIFE).min(LONGEST_LIFE);
    // Renewed early, so that it is still valid when a slow request arrives.
    let until = connection.clock().now() + Duration::from_secs(life - (life / 5).min(30));
    Ok(Token { secret: secret.into(), until })
}

/// GET with the scopes as separate parameters (distribution, "Requesting a Token").
async fn get(
    connection: &Connection,
    bearer: &Bearer,
    scopes: &[String],
    header: Option<HeaderValue>,
    credentials: &Credentials,
) -> Result<Answer> {
    let mut url = bearer.realm.clone();
    {
        let mut query = url.query_pairs_mut();
        if let Some(service) = &bearer.service {
            query.append_pair("service", service);
        }
        for scope in scopes {
            query.append_pair("scope", scope);
        }
        query.append_pair("client_id", CLIENT_ID);
    }
    ask(connection, credentials, || {
        let request = connection.http().get(url.clone());
        match &header {
            Some(header) => request.header(AUTHORIZATION, header.clone()),
            None => request,
        }
    })
    .await
}

/// POST of a refresh token; the scopes are one parameter, separated by spaces (RFC 6749). Token
/// servers that do not support POST get the token as a password.
async fn refresh(
    connection: &Connection,
    bearer: &Bearer,
    scopes: &[String],
    token: &Secret,
    credentials: &Credentials,
) -> Result<Answer> {
    let service = bearer.service.as_deref().unwrap_or_default();
    let scope = scopes.join(" ");
    let form = [
        ("grant_type", "refresh_token"),
        ("service", service),
        ("scope", &scope),
        ("client_id", CLIENT_ID),
        ("refresh_token", token.reveal()),
    ];
    let posted =
        ask(connection, credentials, || connection.http().post(bearer.realm.clone()).form(&form))
            .await;
    match posted {
        Err(Error::Refused { reply, .. }) if matches!(reply.status, 404 | 405) => {
            let header = basic("<token>", token);
            get(connection, bearer, scopes, Some(header), credentials).await
        }
        other => other,
    }
}

/// Exchanges an access token of the Azure directory for a refresh token of the registry (Azure/acr,
/// AAD-OAuth.md).
async fn exchange_azure(
    connection: &Connection,
    bearer: &Bearer,
    token: &Secret,
    credentials: &Credentials,
) -> Result<Secret> {
    let mut url: Url = bearer.realm.clone();
    if !connection.endpoint().owns(&url) {
        return Err(unusable(connection, "an Azure token is only sent to the registry itself"));
    }
    url.set_path("/oauth2/exchange");
    url.set_query(None);
    let service = bearer.service.as_deref().unwrap_or_default();
    let form =
        [("grant_type", "access_token"), ("service", service), ("access_token", token.reveal())];
    let answer =
        ask(connection, credentials, || connection.http().post(url.clone()).form(&form)).await?;
    let found = answer.refresh_token.filter(|token| !token.is_empty());
    found
        .map(Secret::from)
        .ok_or_else(|| unusable(connection, "the answer contains no refresh token"))
}

/// Sends a request to a token server, with the usual retries.
async fn ask(
    connection: &Connection,
    credentials: &Credentials,
    request: impl Fn() -> RequestBuilder,
) -> Result<Answer> {
    let registry = &connection.endpoint().name;
    connection
        .retry(|| async {
            let response = connection.execute(request(), ACTION, None, None).await?;
            let status = response.status().as_u16();
            if !response.status().is_success() {
                let reply = connection.reply(response).await;
                // OAuth2 says 400 `invalid_grant` for a wrong or expired refresh token.
                let rejected = matches!(status, 401 | 403)
                    || !is_transient(status) && reply.is(&["invalid_grant", "unauthorized"]);
                return Err(match status {
                    429 => Error::RateLimited { registry: registry.clone(), reply },
                    _ if rejected => wrong(registry, credentials, reply).into(),
                    _ => {
                        let (registry, action) = (registry.clone(), ACTION.to_owned());
                        Error::Refused { registry, action, reply }
                    }
                });
            }
            let body = connection.body(response, "token", MAX_TOKEN_BODY).await?;
            serde_json::from_slice(&body)
                .map_err(|_| unusable(connection, "the answer is not JSON"))
        })
        .await
}

fn wrong(registry: &str, credentials: &Credentials, reply: Box<Reply>) -> AuthError {
    let registry = registry.to_owned();
    if *credentials == Credentials::Anonymous {
        return AuthError::LoginNeeded {
            registry,
            repository: String::new(),
            action: "pull",
            reply,
        };
    }
    AuthError::WrongCredentials { registry, user: credentials.user(), reply }
}

fn unusable(connection: &Connection, reason: &str) -> Error {
    connection.protocol(ACTION, reason)
}
