//! One registry's HTTP connection: time-outs, retries, and which hosts have answered. Nothing here
//! knows about logins.

use std::collections::HashSet;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mlpack_http::{Backoff, Body, Cause, Clock, RetryPolicy};
use reqwest::{RequestBuilder, Response, Url};

use crate::body::Activity;
use crate::endpoint::Endpoint;
use crate::error::{ConnectionError, Error, Result};
use crate::settings::Settings;

/// What every request to one registry uses.
pub(crate) struct Connection {
    http: reqwest::Client,
    endpoint: Endpoint,
    policy: RetryPolicy,
    clock: Arc<dyn Clock>,
    idle: Duration,
    /// Whether hosts are reached without a proxy, so that their addresses can be checked here.
    direct: bool,
    /// Hosts with ports that have answered.
    reached: Mutex<HashSet<String>>,
}

impl Connection {
    pub(crate) fn new(http: reqwest::Client, endpoint: Endpoint, settings: &Settings) -> Self {
        Self {
            http,
            endpoint,
            policy: settings.retry,
            clock: settings.clock.clone(),
            idle: settings.idle_timeout,
            direct: settings.proxies.https.is_none() && settings.proxies.http.is_none(),
            reached: Mutex::default(),
        }
    }

    pub(crate) fn http(&self) -> &reqwest::Client {
        &self.http
    }

    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// Refuses addresses that must not be visited; see [`Endpoint::allow`].
    pub(crate) async fn allow(&self, url: &Url) -> Result<()> {
        self.endpoint.allow(url, self.direct).await
    }

    /// Runs `work` until it succeeds, fails for good, or the attempts are used up.
    pub(crate) async fn retry<T, F: Future<Output = Result<T>>>(
        &self,
        work: impl FnMut() -> F,
    ) -> Result<T> {
        mlpack_http::retry(self.policy, &*self.clock, work).await
    }

    /// Starts counting the attempts at one blob.
    pub(crate) fn backoff(&self) -> Backoff {
        Backoff::new(self.policy)
    }

    /// Sends a request and waits for the answer as long as bytes move. `patience` is how long the
    /// registry may stay silent once everything was sent, if it is not the usual time.
    pub(crate) async fn execute(
        &self,
        request: RequestBuilder,
        action: &str,
        activity: Option<&Activity>,
        patience: Option<Duration>,
    ) -> Result<Response> {
        let request =
            request.build().map_err(|error| self.failed(&self.endpoint.name, Cause::of(error)))?;
        let host = place(request.url());
        let mut answer = std::pin::pin!(self.http.execute(request));
        let started = tokio::time::Instant::now();
        loop {
            let (last, limit) = match activity {
                Some(activity) if !activity.finished() => (activity.last(), self.idle),
                Some(activity) => (activity.last(), patience.unwrap_or(self.idle)),
                None => (started, patience.unwrap_or(self.idle)),
            };
            tokio::select! {
                answer = &mut answer => {
                    if answer.is_ok() {
                        self.mark_reachable(&host);
                    }
                    return answer.map_err(|error| self.failed(&host, Cause::of(error)));
                }
                () = tokio::time::sleep_until(last + limit) => {
                    if activity.is_none_or(|activity| activity.last() == last) {
                        return Err(silent(host, action, limit).into());
                    }
                }
            }
        }
    }

    /// Returns the body of an answer.
    pub(crate) fn body_of(&self, response: Response) -> Body {
        Body::new(response).over(self.idle)
    }

    /// Reads the next piece of a body. `host` and `action` are for messages.
    pub(crate) async fn chunk(
        &self,
        body: &mut Body,
        host: &str,
        action: &str,
    ) -> Result<Option<bytes::Bytes>> {
        match tokio::time::timeout(self.idle, body.chunk()).await {
            Ok(chunk) => chunk.map_err(|cause| self.failed(host, cause)),
            Err(_) => Err(silent(host.to_owned(), action, self.idle).into()),
        }
    }

    fn failed(&self, host: &str, cause: Cause) -> Error {
        let reached = self.reached.lock().unwrap_or_else(PoisonError::into_inner).contains(host);
        ConnectionError::new(host.to_owned(), cause, reached).into()
    }

    /// Returns whether the host of an address has answered.
    pub(crate) fn has_answered(&self, url: &Url) -> bool {
        self.reached.lock().unwrap_or_else(PoisonError::into_inner).contains(&place(url))
    }

    fn mark_reachable(&self, host: &str) {
        let mut reached = self.reached.lock().unwrap_or_else(PoisonError::into_inner);
        if !reached.contains(host) {
            reached.insert(host.to_owned());
        }
    }
}

fn silent(host: String, action: &str, waited: Duration) -> ConnectionError {
    ConnectionError::Silent { host, action: action.to_owned(), waited }
}

/// Returns the host and port of an address, for messages.
pub(crate) fn place(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port_or_known_default().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}
