//! A span for each request, exported to an OpenTelemetry collector (OTLP/HTTP, JSON) or to Application Insights.
//!
//! Nothing here makes a request wait: a span goes into a bounded queue, and is dropped and counted if the queue is full or
//! no target accepts it.

mod client;
mod export;
mod insights;
mod otlp;
mod span;
mod target;

use std::sync::Arc;
use std::time::Duration;

use hyper::HeaderMap;
use tokio::sync::{mpsc, oneshot};

pub(crate) use span::{Context, Span, TRACEPARENT};
pub(crate) use target::{Target, TargetError, targets};

use crate::metrics::Metrics;

/// Spans that wait at most (OTEL_BSP_MAX_QUEUE_SIZE of OpenTelemetry's specification).
const MAX_WAITING: usize = 2048;

/// How long spans may take to be exported at the end.
const FLUSH_GRACE: Duration = Duration::from_secs(2);

enum Piece {
    Span(Box<Span>),
    Flush(oneshot::Sender<()>),
}

/// Where spans go.
#[derive(Debug)]
pub(crate) struct Telemetry {
    sender: mpsc::Sender<Piece>,
    metrics: Arc<Metrics>,
}

impl Telemetry {
    /// Starts to export to targets in the background; none without targets.
    pub(crate) fn start(targets: Vec<Target>, metrics: Arc<Metrics>) -> Option<Arc<Self>> {
        if targets.is_empty() {
            return None;
        }
        let (sender, receiver) = mpsc::channel(MAX_WAITING);
        tokio::spawn(export::export(receiver, targets, metrics.clone()));
        Some(Arc::new(Self { sender, metrics }))
    }

    /// Begins the span of a request, a child of the client's where it sent one; none if the client's is not sampled.
    pub(crate) fn begin(&self, headers: &HeaderMap) -> Option<Context> {
        Context::begin(headers)
    }

    /// Queues a span.
    pub(crate) fn offer(&self, span: Span) {
        if self.sender.try_send(Piece::Span(Box::new(span))).is_err() {
            self.metrics.spans("queue_full", 1);
        }
    }

    /// Exports what waits, for a limited time.
    pub(crate) async fn flush(&self) {
        let (done, flushed) = oneshot::channel();
        let flush = async {
            let _ = self.sender.send(Piece::Flush(done)).await;
            let _ = flushed.await;
        };
        let _ = tokio::time::timeout(FLUSH_GRACE, flush).await;
    }
}
