//! From a request to its answer: routes, keys, limits, the queue, a worker.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONNECTION, HeaderMap, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, Request, StatusCode, Version};

use crate::admission::Admission;
use crate::answer::{Answer, Ids, allow_origin, failure, of_reply, plain, preflight};
use crate::backend::Backend;
use crate::body::{Bodies, discard};
use crate::keys::{Access, Keys};
use crate::metrics::Metrics;
use crate::pool::OwnedCall;
use crate::record::Record;
use crate::route::Route;
use crate::settings::Settings;
use crate::telemetry::{TRACEPARENT, Telemetry};
use crate::worker::CallError;

/// Header of a healthy answer: the host name of the container.
const INSTANCE: HeaderName = HeaderName::from_static("mlpack-instance");

/// Everything that answering needs.
#[derive(Debug)]
pub(crate) struct Door {
    pub(crate) settings: Settings,
    pub(crate) backend: Backend,
    pub(crate) keys: Arc<Keys>,
    pub(crate) admission: Admission,
    pub(crate) bodies: Bodies,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) telemetry: Option<Arc<Telemetry>>,
    /// Set when the process has been asked to end.
    pub(crate) draining: AtomicBool,
    /// Set when another front door has taken over: clients are asked to connect again.
    pub(crate) replaced: AtomicBool,
}

impl Door {
    /// Answers a request.
    pub(crate) async fn answer(&self, request: Request<Incoming>, remote: &str) -> Answer {
        let (head, body) = request.into_parts();
        let mut body = Some(body);
        let ids = Ids::of(&head.headers);
        let route = Route::of(head.uri.path(), self.settings.service.as_deref());
        let trace = self.telemetry.as_ref().filter(|_| route != Route::Health);
        let trace =
            trace.and_then(|telemetry| Some((telemetry.begin(&head.headers)?, telemetry.clone())));
        let mut record = Record::begin(&self.metrics, &ids.id, &head.method, route, trace);
        let mut answer = match ids.too_long {
            Some(ref name) => {
                let text = format!("{name} must not exceed {} characters", Ids::LONGEST);
                failure(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, &text, &ids.id)
            }
            None => self.route(route, &head, &mut body, remote, &mut record).await,
        };
        if let Some(body) = body {
            discard(&head.headers, body);
        }
        allow_origin(&self.settings.origins, &head.headers, answer.headers_mut());
        record.finish(&answer);
        ids.put(answer.headers_mut());
        // HTTP/2 has its own way, and no such header.
        if self.replaced.load(Ordering::Relaxed) && head.version < Version::HTTP_2 {
            answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        answer
    }

    async fn route(
        &self,
        route: Route,
        head: &Parts,
        body: &mut Option<Incoming>,
        remote: &str,
        record: &mut Record,
    ) -> Answer {
        if route == Route::Health && route.allows(&head.method, false) {
            return self.health(&record.id);
        }
        let is_raw = self.backend.is_raw();
        let allowed = route.allows(&head.method, is_raw);
        if head.method == Method::OPTIONS && !(route == Route::Score && allowed) {
            return preflight(&self.settings.origins, route, &head.headers);
        }
        if let Some(refusal) = self.refuse(&head.headers, record) {
            return refusal;
        }
        let call = match route {
            _ if !allowed => {
                return failure(StatusCode::METHOD_NOT_ALLOWED, "method not allowed", &record.id);
            }
            Route::Score => "score",
            Route::Swagger => "swagger",
            Route::Health | Route::Unknown => {
                return failure(StatusCode::NOT_FOUND, "no such path", &record.id);
            }
        };
        self.call(call, head, body, remote, record).await
    }

    fn health(&self, id: &str) -> Answer {
        if self.draining.load(Ordering::Relaxed) {
            return failure(StatusCode::SERVICE_UNAVAILABLE, "the service is shutting down", id);
        }
        match self.backend.ready() {
            0 => failure(StatusCode::SERVICE_UNAVAILABLE, "init() has not returned yet", id),
            _ => self.healthy(),
        }
    }

    /// Returns the answer of a healthy service, which names the container: so it is seen when another one has taken over.
    fn healthy(&self) -> Answer {
        let mut answer = plain(StatusCode::OK, "Healthy", "text/html; charset=utf-8");
        let instance = self.settings.instance.as_ref();
        if let Some(value) = instance.and_then(|name| HeaderValue::from_str(name).ok()) {
            answer.headers_mut().insert(INSTANCE, value);
        }
        answer
    }

    /// Returns the answer to a request without a valid key.
    fn refuse(&self, headers: &HeaderMap, record: &mut Record) -> Option<Answer> {
        let authorization = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let (label, status, text) = match self.keys.check(authorization) {
            Access::Granted => return None,
            Access::Missing => {
                let text = "a key is required: send `Authorization: Bearer KEY`";
                ("no_key", StatusCode::UNAUTHORIZED, text)
            }
            Access::Wrong => ("wrong_key", StatusCode::FORBIDDEN, "the key is not valid"),
        };
        record.refused(label, text);
        Some(failure(status, text, &record.id))
    }

    /// Reads the body, waits in the queue and gives the call to a worker.
    async fn call(
        &self,
        call: &'static str,
        head: &Parts,
        incoming: &mut Option<Incoming>,
        remote: &str,
        record: &mut Record,
    ) -> Answer {
        let (body, memory) = match incoming {
            None => Default::default(),
            Some(body) => match self.bodies.read(&head.headers, body).await {
                Ok(read) => read,
                Err(error) => {
                    record.refused(error.label(), &error.to_string());
                    return failure(error.status(), &error.to_string(), &record.id);
                }
            },
        };
        *incoming = None;
        record.bytes_in = body.len() as u64;
        let call = Arc::new(self.owned(call, head, remote, record));
        let queued = Instant::now();
        let permit = self.admission.enter().await;
        record.queue = queued.elapsed();
        let permit = match permit {
            Ok(permit) => permit,
            Err(refusal) => {
                record.refused(refusal.label(), refusal.message());
                return failure(StatusCode::SERVICE_UNAVAILABLE, refusal.message(), &record.id);
            }
        };
        let (hold, deadline) = (Arc::new((permit, memory)), queued + self.settings.queue_wait);
        match self.backend.call(call, body, hold, deadline).await {
            Ok((reply, body)) => {
                if self.admission.waiting() > 0 {
                    // The worker gets the next call before this answer is written.
                    tokio::task::yield_now().await;
                }
                if reply.timed_out {
                    record.refused("timed_out", "run() took too long");
                }
                if let Some(milliseconds) = reply.run_ms {
                    record.run_ms = milliseconds;
                    self.metrics.ran(milliseconds);
                }
                of_reply(reply, body, &record.id)
            }
            Err(error) => {
                let (status, label) = match &error {
                    None => (StatusCode::SERVICE_UNAVAILABLE, "no_worker"),
                    Some(CallError::TimedOut(_)) => (StatusCode::GATEWAY_TIMEOUT, "timed_out"),
                    Some(CallError::Died(_) | CallError::NotSent(_)) => {
                        (StatusCode::BAD_GATEWAY, "worker_died")
                    }
                    Some(CallError::Invalid(_)) => (StatusCode::BAD_GATEWAY, "invalid_answer"),
                };
                let text = error.map_or("no worker is ready".to_owned(), |error| error.to_string());
                record.refused(label, &text);
                failure(status, &text, &record.id)
            }
        }
    }

    fn owned(&self, call: &'static str, head: &Parts, remote: &str, record: &Record) -> OwnedCall {
        // Header values are octets; WSGI has them as Latin-1 (PEP 3333), and so do Azure's server and its scripts.
        let text = |value: &HeaderValue| value.as_bytes().iter().copied().map(char::from).collect();
        // Underscores are dropped as gunicorn does: WSGI cannot tell them from hyphens.
        let is_passed = |name: &HeaderName| {
            !name.as_str().contains('_') && (*name != AUTHORIZATION || !self.keys.are_set())
        };
        // Without the service's prefix, which Azure's gateway removed too.
        let path = if call == "score" { "/score" } else { "/swagger.json" };
        let query = head.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
        let target = format!("{path}{query}");
        let traceparent = record.traceparent();
        let is_sent = |name: &HeaderName| traceparent.is_none() || *name != TRACEPARENT;
        let headers = head.headers.iter().filter(|(name, _)| is_passed(name) && is_sent(name));
        let headers = headers.map(|(name, value)| (name.to_string(), text(value)));
        OwnedCall {
            call,
            id: record.id.clone(),
            method: head.method.to_string(),
            target,
            remote: remote.to_owned(),
            headers: headers
                .chain(traceparent.clone().map(|value| (TRACEPARENT.to_owned(), value)))
                .collect(),
        }
    }

    /// Answers on the port of operations: `/livez`, `/readyz`, `/metrics`.
    pub(crate) fn operations(&self, path: &str) -> Answer {
        let text = "text/plain; charset=utf-8";
        let unavailable = StatusCode::SERVICE_UNAVAILABLE;
        match path {
            "/livez" => plain(StatusCode::OK, "ok\n", text),
            "/readyz" if self.draining.load(Ordering::Relaxed) => {
                plain(unavailable, "shutting down\n", text)
            }
            "/readyz" if self.replaced.load(Ordering::Relaxed) => {
                plain(StatusCode::OK, "relaying\n", text)
            }
            "/readyz" if self.backend.ready() == 0 => {
                plain(unavailable, "no worker is ready\n", text)
            }
            "/readyz" => plain(StatusCode::OK, "ok\n", text),
            "/metrics" => {
                let figures = self.metrics.text(
                    self.admission.waiting(),
                    self.backend.ready(),
                    &self.backend.pids(),
                );
                let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
                plain(StatusCode::OK, figures, kind)
            }
            _ => plain(StatusCode::NOT_FOUND, "no such path\n", text),
        }
    }
}
