//! From a request to its answer: routes, keys, limits, the queue, a worker.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body, Incoming};
use hyper::header::{AUTHORIZATION, CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};

use crate::admission::Admission;
use crate::answer::{Answer, Ids, allow_origin, failure, plain, preflight};
use crate::frame::Reply;
use crate::keys::{Access, Keys};
use crate::log;
use crate::metrics::Metrics;
use crate::pool::{OwnedCall, Pool, PoolError};
use crate::settings::Settings;
use crate::worker::CallError;

/// Everything that answering needs.
#[derive(Debug)]
pub(crate) struct Door {
    pub(crate) settings: Settings,
    pub(crate) pool: Arc<Pool>,
    pub(crate) keys: Arc<Keys>,
    pub(crate) admission: Admission,
    pub(crate) metrics: Arc<Metrics>,
    /// Set when the process has been asked to end.
    pub(crate) draining: AtomicBool,
}

/// What a path means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Route {
    Health,
    Score,
    Swagger,
    None,
}

impl Route {
    /// The route of a path; `/api/v1/service/NAME` may stand before it (docs/azureml-2019.md#5).
    fn of(path: &str, service: Option<&str>) -> Self {
        let below =
            service.and_then(|name| path.strip_prefix("/api/v1/service/")?.strip_prefix(name));
        match below.unwrap_or(path) {
            "/" => Self::Health,
            "" if below.is_some() => Self::Health,
            "/score" => Self::Score,
            "/swagger.json" => Self::Swagger,
            _ => Self::None,
        }
    }

    /// The route as the metrics and the log name it.
    fn label(self) -> &'static str {
        match self {
            Self::Health => "/",
            Self::Score => "/score",
            Self::Swagger => "/swagger.json",
            Self::None => "other",
        }
    }
}

/// How an answer came about, for the log.
#[derive(Debug, Default)]
struct Course {
    queue: Duration,
    run_ms: f64,
    bytes_in: u64,
    reason: Option<String>,
}

impl Door {
    /// Answers a request.
    pub(crate) async fn answer(&self, request: Request<Incoming>, remote: &str) -> Answer {
        let begun = Instant::now();
        let _active = self.metrics.begin();
        let ids = Ids::of(request.headers());
        let route = Route::of(request.uri().path(), self.settings.service.as_deref());
        let method = request.method().clone();
        let mut course = Course::default();
        let mut answer = match ids.too_long {
            Some(ref name) => {
                let text = format!("the header {name} has more than 100 characters");
                failure(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, &text, &ids.id)
            }
            None => {
                let origin = request.headers().get("origin").cloned();
                let mut answer = self.route(route, request, &ids.id, remote, &mut course).await;
                if let Some(origin) = origin {
                    let asked = HeaderMap::from_iter([(hyper::header::ORIGIN, origin)]);
                    allow_origin(&self.settings.origins, &asked, answer.headers_mut());
                }
                answer
            }
        };
        let (status, total) = (answer.status(), begun.elapsed());
        self.metrics.finished(label(&method), route.label(), status.as_u16(), total);
        if route != Route::Health || !status.is_success() {
            let milliseconds = |time: Duration| (time.as_secs_f64() * 1e5).round() / 100.0;
            log::request(&log::Request {
                id: &ids.id,
                method: method.as_str(),
                route: route.label(),
                status: status.as_u16(),
                queue_ms: milliseconds(course.queue),
                run_ms: course.run_ms,
                total_ms: milliseconds(total),
                bytes_in: course.bytes_in,
                bytes_out: answer.body().size_hint().lower(),
                reason: course.reason.as_deref(),
            });
        }
        ids.put(answer.headers_mut());
        answer
    }

    async fn route(
        &self,
        route: Route,
        request: Request<Incoming>,
        id: &str,
        remote: &str,
        course: &mut Course,
    ) -> Answer {
        if route == Route::Health {
            return self.health(id);
        }
        if request.method() == Method::OPTIONS && !(route == Route::Score && self.pool.is_raw()) {
            return preflight(request.headers());
        }
        let authorization = request.headers().get(AUTHORIZATION);
        match self.keys.check(authorization.and_then(|value| value.to_str().ok())) {
            Access::Granted => {}
            Access::Missing => {
                self.metrics.refused("no_key");
                let text = "a key is required: send `Authorization: Bearer KEY`";
                return failure(StatusCode::UNAUTHORIZED, text, id);
            }
            Access::Wrong => {
                self.metrics.refused("wrong_key");
                return failure(StatusCode::FORBIDDEN, "the key is not valid", id);
            }
        }
        let allowed = match route {
            Route::Score => {
                matches!(*request.method(), Method::GET | Method::POST | Method::OPTIONS)
            }
            Route::Swagger => matches!(*request.method(), Method::GET | Method::HEAD),
            Route::Health | Route::None => true,
        };
        match route {
            _ if !allowed => failure(StatusCode::METHOD_NOT_ALLOWED, "method not allowed", id),
            Route::Score => self.call("score", request, id, remote, course).await,
            Route::Swagger => self.call("swagger", request, id, remote, course).await,
            Route::Health | Route::None => failure(StatusCode::NOT_FOUND, "no such path", id),
        }
    }

    fn health(&self, id: &str) -> Answer {
        if self.draining.load(Ordering::Relaxed) {
            return failure(StatusCode::SERVICE_UNAVAILABLE, "the service is shutting down", id);
        }
        match self.pool.ready() {
            0 => failure(StatusCode::SERVICE_UNAVAILABLE, "init() has not returned yet", id),
            _ => plain(StatusCode::OK, "Healthy", "text/html; charset=utf-8"),
        }
    }

    /// Reads the body, waits in the queue and gives the call to a worker.
    async fn call(
        &self,
        call: &'static str,
        request: Request<Incoming>,
        id: &str,
        remote: &str,
        course: &mut Course,
    ) -> Answer {
        let (head, body) = request.into_parts();
        let body = match self.body(&head.headers, body).await {
            Ok(body) => body,
            Err((status, text)) => return failure(status, &text, id),
        };
        course.bytes_in = body.len() as u64;
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let call = OwnedCall {
            call,
            id: id.to_owned(),
            method: head.method.to_string(),
            target: head.uri.path_and_query().map_or_else(String::new, ToString::to_string),
            remote: remote.to_owned(),
            headers: head
                .headers
                .iter()
                .filter(|(name, _)| *name != AUTHORIZATION || !self.keys.are_set())
                .map(|(name, value)| (name.to_string(), text(value)))
                .collect(),
        };
        let queued = Instant::now();
        let permit = self.admission.enter().await;
        course.queue = queued.elapsed();
        let _permit = match permit {
            Ok(permit) => permit,
            Err(refusal) => {
                self.metrics.refused(refusal.label());
                course.reason = Some(refusal.label().to_owned());
                return failure(StatusCode::SERVICE_UNAVAILABLE, refusal.message(), id);
            }
        };
        let wait = self.settings.queue_wait.saturating_sub(course.queue);
        match self.pool.call(call, body, wait).await {
            Ok((reply, body)) => {
                if reply.timed_out {
                    self.metrics.refused("timed_out");
                    course.reason = Some("run() took too long".to_owned());
                }
                if let Some(milliseconds) = reply.run_ms {
                    course.run_ms = milliseconds;
                    self.metrics.ran(Duration::from_secs_f64(milliseconds.max(0.0) / 1000.0));
                }
                answer_of(reply, body, id)
            }
            Err(error) => {
                let (status, label) = match &error {
                    PoolError::NoWorker => (StatusCode::SERVICE_UNAVAILABLE, "no_worker"),
                    PoolError::Call(CallError::TimedOut(_)) => {
                        (StatusCode::GATEWAY_TIMEOUT, "timed_out")
                    }
                    PoolError::Call(CallError::Died(_)) => (StatusCode::BAD_GATEWAY, "worker_died"),
                    PoolError::Call(CallError::Invalid(_)) => {
                        (StatusCode::BAD_GATEWAY, "invalid_answer")
                    }
                };
                self.metrics.refused(label);
                course.reason = Some(error.to_string());
                failure(status, &error.to_string(), id)
            }
        }
    }

    /// The whole body, within its limit; one that states a greater length is not read.
    async fn body(
        &self,
        headers: &HeaderMap,
        mut body: Incoming,
    ) -> Result<Bytes, (StatusCode, String)> {
        let limit = self.settings.body_limit;
        let too_large = || {
            self.metrics.refused("body_too_large");
            let text = format!("the body has more than {limit} bytes");
            (StatusCode::PAYLOAD_TOO_LARGE, text)
        };
        let stated =
            headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        let stated: u64 = stated.unwrap_or(0);
        if stated > limit {
            return Err(too_large());
        }
        let mut bytes = BytesMut::new();
        loop {
            let frame = tokio::time::timeout(self.settings.body_timeout, body.frame()).await;
            let frame = match frame {
                Ok(None) => return Ok(bytes.freeze()),
                Ok(Some(Ok(frame))) => frame,
                Ok(Some(Err(error))) => {
                    let text = format!("the body ended early: {error}");
                    return Err((StatusCode::BAD_REQUEST, text));
                }
                Err(_) => {
                    let text = "the body did not arrive in time".to_owned();
                    return Err((StatusCode::REQUEST_TIMEOUT, text));
                }
            };
            let Ok(data) = frame.into_data() else { continue };
            if (bytes.len() + data.len()) as u64 > limit {
                return Err(too_large());
            }
            if bytes.is_empty() && data.len() as u64 == stated {
                return Ok(data);
            }
            bytes.extend_from_slice(&data);
        }
    }

    /// Answers on the port of operations: `/livez`, `/readyz`, `/metrics`.
    pub(crate) fn operations(&self, path: &str) -> Answer {
        let text = "text/plain; charset=utf-8";
        match path {
            "/livez" => plain(StatusCode::OK, "ok\n", text),
            "/readyz" if self.draining.load(Ordering::Relaxed) => {
                plain(StatusCode::SERVICE_UNAVAILABLE, "shutting down\n", text)
            }
            "/readyz" if self.pool.ready() == 0 => {
                plain(StatusCode::SERVICE_UNAVAILABLE, "no worker is ready\n", text)
            }
            "/readyz" => plain(StatusCode::OK, "ok\n", text),
            "/metrics" => {
                let figures = self.metrics.text(
                    self.admission.waiting(),
                    self.pool.ready(),
                    &self.pool.pids(),
                );
                let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
                plain(StatusCode::OK, figures, kind)
            }
            _ => plain(StatusCode::NOT_FOUND, "no such path\n", text),
        }
    }
}

/// A worker's reply as an answer. Headers that HTTP cannot carry are left out.
fn answer_of(reply: Reply, body: Bytes, id: &str) -> Answer {
    let Ok(status) = StatusCode::from_u16(reply.status) else {
        let text = format!("the script set the status {}, which HTTP does not have", reply.status);
        return failure(StatusCode::INTERNAL_SERVER_ERROR, &text, id);
    };
    let mut answer = Response::new(Full::new(body));
    *answer.status_mut() = status;
    for (name, value) in reply.headers {
        if let (Ok(name), Ok(value)) =
            (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_bytes(value.as_bytes()))
        {
            answer.headers_mut().append(name, value);
        }
    }
    // The front door frames the answer itself.
    for name in ["connection", "transfer-encoding", "content-length", "keep-alive"] {
        answer.headers_mut().remove(name);
    }
    answer
}

/// The method as the metrics name it (semantic conventions: unknown methods are `_OTHER`).
fn label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::OPTIONS => "OPTIONS",
        Method::HEAD => "HEAD",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::PATCH => "PATCH",
        _ => "_OTHER",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_mean_the_same_below_the_services_prefix() {
        let of = |path| Route::of(path, Some("digits"));
        assert_eq!(of("/"), Route::Health);
        assert_eq!(of("/score"), Route::Score);
        assert_eq!(of("/api/v1/service/digits/score"), Route::Score);
        assert_eq!(of("/api/v1/service/digits/"), Route::Health);
        assert_eq!(of("/api/v1/service/digits/swagger.json"), Route::Swagger);
        assert_eq!(of("/api/v1/service/digitsandmore/score"), Route::None);
        assert_eq!(of("/api/v1/service/other/score"), Route::None);
        assert_eq!(of("/metrics"), Route::None);
    }
}
