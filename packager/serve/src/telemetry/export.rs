//! Sends spans in batches, in the background.

use std::sync::Arc;
use std::time::Duration;

use hyper::StatusCode;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::Piece;
use super::client::Client;
use super::span::Span;
use super::target::Target;
use crate::log;
use crate::metrics::Metrics;

/// Spans of one request at most (OTEL_BSP_MAX_EXPORT_BATCH_SIZE of OpenTelemetry's specification).
const MAX_BATCH: usize = 512;

/// How long spans gather.
const GATHERING: Duration = Duration::from_secs(1);

/// How long one request to a target may take (OTEL_EXPORTER_OTLP_TIMEOUT).
const TIMEOUT: Duration = Duration::from_secs(10);

/// Pauses before a batch is sent again.
const RETRIES: [Duration; 3] =
    [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4)];

/// Longest pause that a target may ask for.
const MAX_PAUSE: Duration = Duration::from_secs(30);

/// How often a target's failure is logged.
const WARNING_INTERVAL: Duration = Duration::from_secs(60);

/// Exports until the sender is gone.
pub(super) async fn export(
    mut pieces: mpsc::Receiver<Piece>,
    targets: Vec<Target>,
    metrics: Arc<Metrics>,
) {
    let client = Client::new();
    let mut exporters: Vec<Exporter> =
        targets.into_iter().map(|target| Exporter { target, warned: None }).collect();
    while let Some(piece) = pieces.recv().await {
        let mut batch = Vec::new();
        let mut flushed = match piece {
            Piece::Span(span) => {
                batch.push(span);
                None
            }
            Piece::Flush(done) => Some(done),
        };
        let deadline = Instant::now() + GATHERING;
        while flushed.is_none() && batch.len() < MAX_BATCH {
            match timeout_at(deadline, pieces.recv()).await {
                Ok(Some(Piece::Span(span))) => batch.push(span),
                Ok(Some(Piece::Flush(done))) => flushed = Some(done),
                Ok(None) | Err(_) => break,
            }
        }
        for exporter in &mut exporters {
            // At the end there is no time for a second attempt.
            exporter.send(&client, &batch, flushed.is_some(), &metrics).await;
        }
        if let Some(done) = flushed {
            let _ = done.send(());
        }
    }
}

struct Exporter {
    target: Target,
    warned: Option<Instant>,
}

impl Exporter {
    async fn send(
        &mut self,
        client: &Client,
        batch: &[Box<Span>],
        is_last: bool,
        metrics: &Metrics,
    ) {
        if batch.is_empty() {
            return;
        }
        let body = bytes::Bytes::from(self.target.body(batch));
        let mut retries = RETRIES.iter().take(if is_last { 0 } else { RETRIES.len() });
        loop {
            let outcome = timeout(TIMEOUT, client.post(&self.target, body.clone())).await;
            let (reason, pause) = match outcome {
                Ok(Ok(reply)) if reply.status.is_success() => {
                    metrics.spans("exported", batch.len());
                    return;
                }
                Ok(Ok(reply)) => {
                    let pause = reply
                        .retry_after
                        .map(|seconds| Duration::from_secs(seconds).min(MAX_PAUSE));
                    (
                        format!("status {}", reply.status),
                        Some(pause).filter(|_| may_pass(reply.status)),
                    )
                }
                Ok(Err(error)) => (error.to_string(), Some(None)),
                Err(_) => (format!("no answer within {} s", TIMEOUT.as_secs()), Some(None)),
            };
            let (Some(pause), Some(next)) = (pause, retries.next()) else {
                metrics.spans("refused", batch.len());
                self.warn(&reason);
                return;
            };
            sleep(pause.unwrap_or(*next)).await;
        }
    }

    fn warn(&mut self, reason: &str) {
        if self.warned.is_none_or(|warned| warned.elapsed() >= WARNING_INTERVAL) {
            log::warning(&format!("cannot export telemetry to {}: {reason}", self.target.host()));
            self.warned = Some(Instant::now());
        }
    }
}

/// Whether a later attempt can succeed (OTLP, "Retryable Response Codes").
fn may_pass(status: StatusCode) -> bool {
    matches!(status.as_u16(), 429 | 502 | 503 | 504)
}
