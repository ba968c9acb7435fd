//! One request to a registry and its answer: authorisation, redirects, time-outs, retries.

use std::collections::HashSet;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mlpack_http::{Backoff, Clock, RetryPolicy, is_transient};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue, LOCATION};
use reqwest::{Body, Method, RequestBuilder, Response, StatusCode, Url};

use crate::auth::{Auth, Scope};
use crate::body::Activity;
use crate::challenge::Challenge;
use crate::endpoint::Endpoint;
use crate::{Credentials, Error, Result};

/// The most redirects that are followed, as browsers and curl limit them, only lower.
const MAX_HOPS: usize = 5;

/// Everything needed to speak to one registry. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Exchange(Arc<Parts>);

pub(crate) struct Parts {
    http: reqwest::Client,
    endpoint: Endpoint,
    auth: Auth,
    policy: RetryPolicy,
    clock: Arc<dyn Clock>,
    idle: Duration,
    direct: bool,
    /// Hosts with ports that have answered.
    heard: Mutex<HashSet<String>>,
}

/// What to send. A streamed body can be sent once only.
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
    pub(crate) what: &'a str,
    /// Time the registry may stay silent once everything was sent; `None` is the usual.
    pub(crate) patience: Option<Duration>,
}

impl<'a> Call<'a> {
    pub(crate) fn new(method: Method, url: Url, scope: &'a Scope, what: &'a str) -> Self {
        let (headers, payload) = (HeaderMap::new(), Payload::Empty);
        Self { method, url, headers, payload, scope, what, patience: None }
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

impl Exchange {
    pub(crate) fn new(
        http: reqwest::Client,
        endpoint: Endpoint,
        auth: Auth,
        policy: RetryPolicy,
        clock: Arc<dyn Clock>,
        idle: Duration,
        direct: bool,
    ) -> Self {
        let heard = Mutex::default();
        Self(Arc::new(Parts { http, endpoint, auth, policy, clock, idle, direct, heard }))
    }

    pub(crate) fn http(&self) -> &reqwest::Client {
        &self.0.http
    }

    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.0.endpoint
    }

    /// Whether hosts are reached directly, so that their addresses can be judged here.
    pub(crate) fn direct(&self) -> bool {
        self.0.direct
    }

    pub(crate) fn idle(&self) -> Duration {
        self.0.idle
    }

    pub(crate) async fn credentials(&self, repository: &str) -> Result<Credentials> {
        self.0.auth.credentials(&self.0.endpoint.name, repository).await
    }

    /// Sends a call, logs in where asked to, and gives the answer whatever its status, except that
    /// "not now" statuses and a login that does not help are errors. No retries, no redirects.
    pub(crate) async fn send(&self, call: Call<'_>) -> Result<Response> {
        let Call { method, url, headers, mut payload, scope, what, patience } = call;
        self.0.endpoint.allow(&url, self.0.direct).await?;
        let own = self.0.endpoint.owns(&url);
        let mut sent = match own {
            true => self.0.auth.header(self, scope, None).await?,
            false => None,
        };
        let mut first = true;
        loop {
            let mut request = self.http().request(method.clone(), url.clone());
            request = request.headers(headers.clone());
            if let Some(header) = &sent {
                request = request.header(AUTHORIZATION, header.clone());
            }
            let mut activity = None;
            let mut once = false;
            request = match std::mem::replace(&mut payload, Payload::Empty) {
                Payload::Empty if matches!(method, Method::POST | Method::PUT) => {
                    request.header("content-length", "0")
                }
                Payload::Empty => request,
                Payload::Bytes(bytes) => {
                    payload = Payload::Bytes(bytes.clone());
                    request.body(bytes)
                }
                Payload::Stream(body, counter) => {
                    once = true;
                    activity = Some(counter);
                    request.body(body)
                }
            };
            let response = self.watch(request, what, activity.as_deref(), patience).await?;
            let status = response.status();
            if status != StatusCode::UNAUTHORIZED || !own {
                if is_transient(status.as_u16()) {
                    return Err(self.refusal(response, scope, what).await);
                }
                return Ok(response);
            }
            let challenge = Challenge::of(response.headers());
            if challenge.is_none() && self.0.auth.challenge().is_none() {
                self.ping().await?;
            }
            if let Some(challenge) = challenge {
                self.0.auth.learn(challenge);
            }
            let fresh = self.0.auth.header(self, scope, sent.as_ref()).await?;
            if once && fresh.is_some() && fresh != sent {
                // The next request carries the new token; this body is gone.
                return Ok(response);
            }
            if !first || fresh.is_none() || fresh == sent {
                return Err(self.unauthorized(response, scope).await);
            }
            sent = fresh;
            first = false;
        }
    }

    /// As [`send`](Self::send), with retries; for calls that can be made again.
    pub(crate) async fn send_again<'a>(
        &self,
        make: impl Fn() -> Call<'a> + Send + Sync,
    ) -> Result<Response> {
        self.retry(|| self.send(make())).await
    }

    /// Follows redirects of a GET. Another host never sees the authorisation.
    pub(crate) async fn get(&self, call: Call<'_>) -> Result<Response> {
        let Call { mut url, headers, scope, what, .. } = call;
        for _ in 0..=MAX_HOPS {
            let mut next = Call::new(Method::GET, url.clone(), scope, what);
            next.headers = headers.clone();
            let response = self.send(next).await?;
            if !response.status().is_redirection() {
                return Ok(response);
            }
            url = self.location(&response, &url, what)?;
        }
        Err(self.protocol(what, &format!("more than {MAX_HOPS} redirects")))
    }

    /// The `Location` of an answer, which may be relative; its query is kept as it is.
    pub(crate) fn location(&self, response: &Response, base: &Url, what: &str) -> Result<Url> {
        let text = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
        let text = text.ok_or_else(|| self.protocol(what, "no Location"))?;
        base.join(text).map_err(|error| self.protocol(what, &format!("bad Location: {error}")))
    }

    /// Runs `work` until it succeeds, fails for good, or the attempts are used up.
    pub(crate) async fn retry<T, F: Future<Output = Result<T>>>(
        &self,
        work: impl FnMut() -> F,
    ) -> Result<T> {
        mlpack_http::retry(self.0.policy, &*self.0.clock, work).await
    }

    /// Starts counting the attempts at one blob.
    pub(crate) fn backoff(&self) -> Backoff {
        Backoff::new(self.0.policy)
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.0.clock
    }

    /// Whether a host, with its port, has answered before.
    pub(crate) fn has_heard(&self, host: &str) -> bool {
        self.0.heard.lock().unwrap_or_else(PoisonError::into_inner).contains(host)
    }

    fn hear(&self, host: &str) {
        let mut heard = self.0.heard.lock().unwrap_or_else(PoisonError::into_inner);
        if !heard.contains(host) {
            heard.insert(host.to_owned());
        }
    }

    /// Sends without authorisation; for token servers.
    pub(crate) async fn transmit(&self, request: RequestBuilder, what: &str) -> Result<Response> {
        let response = self.watch(request, what, None, None).await?;
        if is_transient(response.status().as_u16()) {
            return Err(self.refusal(response, &Scope::registry(), what).await);
        }
        Ok(response)
    }

    /// Waits for the answer as long as bytes move.
    async fn watch(
        &self,
        request: RequestBuilder,
        what: &str,
        activity: Option<&Activity>,
        patience: Option<Duration>,
    ) -> Result<Response> {
        let request = request.build().map_err(|error| self.connection(None, error))?;
        let host = place(request.url());
        let mut answer = std::pin::pin!(self.http().execute(request));
        let started = tokio::time::Instant::now();
        loop {
            let (last, limit) = match activity {
                Some(activity) if !activity.finished() => (activity.last(), self.0.idle),
                Some(activity) => (activity.last(), patience.unwrap_or(self.0.idle)),
                None => (started, patience.unwrap_or(self.0.idle)),
            };
            tokio::select! {
                answer = &mut answer => {
                    if answer.is_ok() {
                        self.hear(&host);
                    }
                    return answer.map_err(|error| self.connection(Some(&host), error));
                }
                () = tokio::time::sleep_until(last + limit) => {
                    let still = activity.is_none_or(|activity| activity.last() == last);
                    if still {
                        return Err(Error::Silent { host, what: what.to_owned(), waited: limit });
                    }
                }
            }
        }
    }

    /// Asks the registry as a whole, to learn its challenge from a registry that gives none with
    /// its other answers.
    pub(crate) async fn ping(&self) -> Result<()> {
        let request = self.http().get(self.0.endpoint.url(""));
        let response = self.watch(request, "answer at all", None, None).await?;
        if let Some(challenge) = Challenge::of(response.headers()) {
            self.0.auth.learn(challenge);
        }
        Ok(())
    }
}

/// Host and port of an address, for messages.
pub(crate) fn place(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port_or_known_default().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}
