//! One request to a registry and its answer: authorization and redirects.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use mlpack_http::is_transient;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::{Body, Method, RequestBuilder, Response, StatusCode, Url};

use crate::auth::Auth;
use crate::body::Activity;
use crate::challenge::Challenge;
use crate::connection::Connection;
use crate::credentials::Credentials;
use crate::error::Result;
use crate::scope::Scope;

/// The most redirects that are followed; browsers and curl allow more.
const MAX_HOPS: usize = 5;

/// A [`Connection`] to one registry with its login. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Transport(Arc<Parts>);

struct Parts {
    connection: Connection,
    auth: Auth,
}

/// What to send. A streamed body can be sent only once.
pub(crate) enum Payload {
    Empty,
    Bytes(bytes::Bytes),
    Stream(Body, Arc<Activity>),
}

/// A request about to be sent.
pub(crate) struct Call<'a> {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) payload: Payload,
    pub(crate) scope: &'a Scope,
    /// For messages: `read the manifest`.
    pub(crate) action: &'a str,
    /// Time the registry may stay silent once everything was sent; `None` is the usual.
    pub(crate) patience: Option<Duration>,
}

impl<'a> Call<'a> {
    pub(crate) fn new(method: Method, url: Url, scope: &'a Scope, action: &'a str) -> Self {
        let (headers, payload) = (HeaderMap::new(), Payload::Empty);
        Self { method, url, headers, payload, scope, action, patience: None }
    }

    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.append(name, value);
        }
        self
    }

    pub(crate) fn payload(mut self, payload: Payload) -> Self {
        self.payload = payload;
        self
    }
}

impl Payload {
    /// Moves the payload into a request and leaves what the next attempt can send, which is nothing
    /// after a stream.
    fn attach(&mut self, request: RequestBuilder, method: &Method) -> RequestBuilder {
        match std::mem::replace(self, Self::Empty) {
            Self::Empty if matches!(*method, Method::POST | Method::PUT) => {
                request.header("content-length", "0")
            }
            Self::Empty => request,
            Self::Bytes(bytes) => {
                *self = Self::Bytes(bytes.clone());
                request.body(bytes)
            }
            Self::Stream(body, _) => request.body(body),
        }
    }
}

impl Deref for Transport {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.0.connection
    }
}

impl Transport {
    pub(crate) fn new(connection: Connection, auth: Auth) -> Self {
        Self(Arc::new(Parts { connection, auth }))
    }

    pub(crate) async fn credentials(&self, repository: &str) -> Result<Credentials> {
        self.0.auth.credentials(&self.endpoint().name, repository).await
    }

    /// Sends a call, logs in if required, and returns the answer whatever its status, except that
    /// transient statuses and a rejected login are errors. Does not retry or follow redirects.
    pub(crate) async fn send(&self, call: Call<'_>) -> Result<Response> {
        let Call { method, url, headers, mut payload, scope, action, patience } = call;
        self.allow(&url).await?;
        let auth = &self.0.auth;
        let owned = self.endpoint().owns(&url);
        let mut sent = match owned {
            true => auth.header(self, scope, None).await?,
            false => None,
        };
        let mut first = true;
        loop {
            let mut request = self.http().request(method.clone(), url.clone());
            request = request.headers(headers.clone());
            if let Some(header) = &sent {
                request = request.header(AUTHORIZATION, header.clone());
            }
            let activity = match &payload {
                Payload::Stream(_, activity) => Some(activity.clone()),
                _ => None,
            };
            request = payload.attach(request, &method);
            let response = self.execute(request, action, activity.as_deref(), patience).await?;
            let status = response.status();
            if status != StatusCode::UNAUTHORIZED || !owned {
                if is_transient(status.as_u16()) {
                    return Err(self.refusal(response, scope, action).await);
                }
                return Ok(response);
            }
            let challenge = Challenge::of(response.headers());
            if challenge.is_none() && auth.challenge().is_none() {
                self.ping().await?;
            }
            if let Some(challenge) = challenge {
                auth.record_challenge(challenge);
            }
            let fresh = auth.header(self, scope, sent.as_ref()).await?;
            if activity.is_some() && fresh.is_some() && fresh != sent {
                // The next request carries the new token; this body is used up.
                return Ok(response);
            }
            if !first || fresh.is_none() || fresh == sent {
                return Err(self.unauthorized(response, scope).await);
            }
            sent = fresh;
            first = false;
        }
    }

    /// Sends a call that can be repeated, with retries; otherwise as [`send`](Self::send).
    pub(crate) async fn send_with_retry<'a>(
        &self,
        make: impl Fn() -> Call<'a> + Send + Sync,
    ) -> Result<Response> {
        self.retry(|| self.send(make())).await
    }

    /// Sends a GET and follows redirects. Another host never sees the authorization.
    pub(crate) async fn get(&self, call: Call<'_>) -> Result<Response> {
        let Call { mut url, headers, scope, action, .. } = call;
        for _ in 0..=MAX_HOPS {
            let mut next = Call::new(Method::GET, url.clone(), scope, action);
            next.headers = headers.clone();
            let response = self.send(next).await?;
            if !response.status().is_redirection() {
                return Ok(response);
            }
            url = self.location(&response, &url, action)?;
        }
        Err(self.protocol(action, &format!("more than {MAX_HOPS} redirects")))
    }

    /// Requests the root of the API, for the challenge of a registry that sends none with its other
    /// answers.
    pub(crate) async fn ping(&self) -> Result<()> {
        let request = self.http().get(self.endpoint().url(""));
        let response = self.execute(request, "check the API version", None, None).await?;
        if let Some(challenge) = Challenge::of(response.headers()) {
            self.0.auth.record_challenge(challenge);
        }
        Ok(())
    }
}
