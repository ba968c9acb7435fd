//! What metrics and log keep of a request.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use hyper::Method;
use hyper::body::Body as _;

use crate::answer::Answer;
use crate::log;
use crate::metrics::Metrics;
use crate::route::{Route, method_label};
use crate::telemetry::{Context, Span, Telemetry};

/// The status of a request whose client closed the connection before the answer, as nginx logs it.
const CLIENT_CLOSED: u16 = 499;

/// A request on its way. Dropped before its answer, it is recorded as closed by the client.
#[derive(Debug)]
pub(crate) struct Record {
    metrics: Arc<Metrics>,
    /// The request's identifier.
    pub(crate) id: String,
    method: Method,
    route: Route,
    begun: Instant,
    /// Time in the queue.
    pub(crate) queue: Duration,
    /// Time in `run`, in milliseconds.
    pub(crate) run_ms: f64,
    /// Length of the request's body.
    pub(crate) bytes_in: u64,
    /// Why the request was refused or failed.
    pub(crate) reason: Option<String>,
    trace: Option<(Context, Arc<Telemetry>)>,
    finished: bool,
}

impl Record {
    /// Begins a record.
    pub(crate) fn begin(
        metrics: &Arc<Metrics>,
        id: &str,
        method: &Method,
        route: Route,
        trace: Option<(Context, Arc<Telemetry>)>,
    ) -> Self {
        metrics.begin();
        Self {
            metrics: metrics.clone(),
            id: id.to_owned(),
            method: method.clone(),
            route,
            begun: Instant::now(),
            queue: Duration::ZERO,
            run_ms: 0.0,
            bytes_in: 0,
            reason: None,
            trace,
            finished: false,
        }
    }

    /// The trace context for what answers the request, if it is recorded.
    pub(crate) fn traceparent(&self) -> Option<String> {
        self.trace.as_ref().map(|(context, _)| context.traceparent())
    }

    /// Counts the request as refused.
    pub(crate) fn refused(&mut self, label: &'static str, reason: &str) {
        self.metrics.refused(label);
        self.reason = Some(reason.to_owned());
    }

    /// Records the answer.
    pub(crate) fn finish(mut self, answer: &Answer) {
        self.finished = true;
        self.write(answer.status().as_u16(), answer.body().size_hint().lower());
    }

    fn write(&self, status: u16, bytes_out: u64) {
        let (method, route) = (method_label(&self.method), self.route.label());
        let total = self.begun.elapsed();
        self.metrics.finished(method, route, status, total);
        if let Some((context, telemetry)) = &self.trace {
            #[expect(clippy::disallowed_methods, reason = "a span has the time")]
            let now = SystemTime::now();
            telemetry.offer(Span {
                context: context.clone(),
                begun: now - total,
                total,
                method,
                route,
                status,
                id: self.id.clone(),
                run_ms: self.run_ms,
                reason: self.reason.clone(),
            });
        }
        // Probes come every few seconds; what changes their answer is an event in the log.
        if self.route == Route::Health {
            return;
        }
        log::request(&log::Request {
            id: &self.id,
            method: self.method.as_str(),
            route,
            status,
            queue_ms: log::milliseconds(self.queue),
            run_ms: self.run_ms,
            total_ms: log::milliseconds(total),
            bytes_in: self.bytes_in,
            bytes_out,
            reason: self.reason.as_deref(),
        });
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        if !self.finished {
            self.reason = Some("the client closed the connection".to_owned());
            self.write(CLIENT_CLOSED, 0);
        }
    }
}
