//! Getting a bearer token: anonymous, by password, by refresh token, by Azure access token.

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{RequestBuilder, Url};
use serde::Deserialize;
use tokio::time::Instant;

use crate::auth::basic;
use crate::challenge::Bearer;
use crate::exchange::Exchange;
use crate::{Credentials, Error, Reply, Result, Secret};

/// The longest answer of a token server, in bytes. Azure's tokens are some kilobytes.
const MAX_TOKEN_BODY: u64 = 1 << 20;

/// How long a token holds if its issuer does not say (distribution, "Token Response Fields").
const DEFAULT_LIFE: u64 = 60;

/// A token that claims to live longer is asked for again after a day, in seconds.
const LONGEST_LIFE: u64 = 86_400;

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
    exchange: &Exchange,
    bearer: &Bearer,
    scopes: &[String],
    credentials: &Credentials,
) -> Result<Token> {
    let endpoint = exchange.endpoint();
    endpoint.allow(&bearer.realm, exchange.direct()).await?;
    let answer = match credentials {
        Credentials::Anonymous | Credentials::Bearer(_) => {
            get(exchange, bearer, scopes, None, credentials).await?
        }
        Credentials::Basic { username, password } => {
            let header = basic(username, password);
            get(exchange, bearer, scopes, Some(header), credentials).await?
        }
        Credentials::IdentityToken(token) => {
            refresh(exchange, bearer, scopes, token, credentials).await?
        }
        Credentials::AzureAccessToken(token) => {
            let token = exchange_azure(exchange, bearer, token, credentials).await?;
            refresh(exchange, bearer, scopes, &token, credentials).await?
        }
    };
    // Azure says `access_token`, others `token`, some both.
    let text = answer.token.or(answer.access_token).filter(|token| !token.is_empty());
    let secret = text.ok_or_else(|| unusable(exchange, "it holds no token"))?;
    let life = answer.expires_in.filter(|life| *life > 0).unwrap_or(DEFAULT_LIFE).min(LONGEST_LIFE);
    // Renewed early, so that a request that takes a moment to arrive still finds it good.
    let until = exchange.clock().now() + Duration::from_secs(life - (life / 5).min(30));
    Ok(Token { secret: secret.into(), until })
}

/// GET with the scopes as separate parameters (distribution, "Requesting a Token").
async fn get(
    exchange: &Exchange,
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
    ask(exchange, credentials, || {
        let request = exchange.http().get(url.clone());
        match &header {
            Some(header) => request.header(AUTHORIZATION, header.clone()),
            None => request,
        }
    })
    .await
}

/// POST of a refresh token; the scopes are one parameter, separated by spaces (RFC 6749). Token
/// servers that know no POST get the token as a password.
async fn refresh(
    exchange: &Exchange,
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
        ask(exchange, credentials, || exchange.http().post(bearer.realm.clone()).form(&form)).await;
    match posted {
        Err(Error::Refused { reply, .. }) if matches!(reply.status, 404 | 405) => {
            let header = basic("<token>", token);
            get(exchange, bearer, scopes, Some(header), credentials).await
        }
        other => other,
    }
}

/// Azure's own step before: an access token of the directory becomes a refresh token of the
/// registry (Azure/acr, AAD-OAuth.md).
async fn exchange_azure(
    exchange: &Exchange,
    bearer: &Bearer,
    token: &Secret,
    credentials: &Credentials,
) -> Result<Secret> {
    let mut url: Url = bearer.realm.clone();
    if !exchange.endpoint().owns(&url) {
        return Err(unusable(exchange, "an Azure token is only sent to the registry itself"));
    }
    url.set_path("/oauth2/exchange");
    url.set_query(None);
    let service = bearer.service.as_deref().unwrap_or_default();
    let form =
        [("grant_type", "access_token"), ("service", service), ("access_token", token.reveal())];
    let answer =
        ask(exchange, credentials, || exchange.http().post(url.clone()).form(&form)).await?;
    let found = answer.refresh_token.filter(|token| !token.is_empty());
    found.map(Secret::from).ok_or_else(|| unusable(exchange, "it holds no refresh token"))
}

/// Sends a request to a token server, with the retries any request gets.
async fn ask(
    exchange: &Exchange,
    credentials: &Credentials,
    request: impl Fn() -> RequestBuilder,
) -> Result<Answer> {
    let registry = &exchange.endpoint().name;
    exchange
        .retry(|| async {
            let what = "get a token";
            let response = exchange.transmit(request(), what).await?;
            let status = response.status().as_u16();
            if !response.status().is_success() {
                let reply = exchange.reply(response).await;
                return Err(match status {
                    429 => Error::RateLimited { registry: registry.clone(), reply },
                    // OAuth2 says 400 `invalid_grant` for a wrong or expired refresh token.
                    _ if status == 401
                        || status == 403
                        || reply.is(&["invalid_grant", "unauthorized"]) =>
                    {
                        wrong(registry, credentials, reply)
                    }
                    _ => {
                        Error::Refused { registry: registry.clone(), what: what.to_owned(), reply }
                    }
                });
            }
            let body = exchange.body(response, "token", MAX_TOKEN_BODY).await?;
            serde_json::from_slice(&body).map_err(|_| unusable(exchange, "it is not JSON"))
        })
        .await
}

fn wrong(registry: &str, credentials: &Credentials, reply: Box<Reply>) -> Error {
    if *credentials == Credentials::Anonymous {
        return Error::LoginNeeded {
            registry: registry.to_owned(),
            repository: "/".to_owned(),
            action: "pull",
            reply,
        };
    }
    Error::WrongCredentials { registry: registry.to_owned(), user: credentials.user(), reply }
}

fn unusable(exchange: &Exchange, reason: &str) -> Error {
    Error::Protocol {
        registry: exchange.endpoint().name.clone(),
        what: "the request for a token".to_owned(),
        reason: reason.to_owned(),
    }
}
