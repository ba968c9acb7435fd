//! Figures for Prometheus, with OpenTelemetry's names for HTTP servers (semantic conventions, "HTTP metrics").

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, text::encode};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// Upper bounds in seconds, as the semantic conventions advise, with finer ones below 5 ms.
const BOUNDS: [f64; 17] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0,
    7.5, 10.0,
];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    http_request_method: &'static str,
    http_route: &'static str,
    http_response_status_code: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reason {
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Slot {
    worker: u32,
}

/// All figures.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    duration: Family<RequestLabels, Histogram, fn() -> Histogram>,
    run: Histogram,
    active: Gauge,
    queued: Gauge,
    ready: Gauge,
    refused: Family<Reason, Counter>,
    restarts: Family<Reason, Counter>,
    memory: Family<Slot, Gauge>,
    spans: Family<Outcome, Counter>,
    answered: AtomicU64,
}

fn histogram() -> Histogram {
    Histogram::new(BOUNDS)
}

impl Metrics {
    /// Registers all figures.
    pub(crate) fn new() -> Self {
        let mut metrics = Self {
            registry: Registry::default(),
            duration: Family::new_with_constructor(histogram as fn() -> Histogram),
            run: histogram(),
            active: Gauge::default(),
            queued: Gauge::default(),
            ready: Gauge::default(),
            refused: Family::default(),
            restarts: Family::default(),
            memory: Family::default(),
            spans: Family::default(),
            answered: AtomicU64::new(0),
        };
        let Self {
            registry, duration, run, active, queued, ready, refused, restarts, memory, ..
        } = &mut metrics;
        registry.register(
            "http_server_request_duration_seconds",
            "Time from a request's headers to its answer",
            duration.clone(),
        );
        registry.register("mlpack_run_duration_seconds", "Time in the script's run", run.clone());
        registry.register(
            "http_server_active_requests",
            "Requests that are being answered",
            active.clone(),
        );
        registry.register("mlpack_queued_requests", "Requests that wait", queued.clone());
        registry.register(
            "mlpack_workers_ready",
            "Workers that are ready or at work",
            ready.clone(),
        );
        registry.register(
            "mlpack_refused_requests",
            "Requests refused, by reason",
            refused.clone(),
        );
        registry.register("mlpack_worker_restarts", "Worker restarts, by reason", restarts.clone());
        registry.register(
            "mlpack_worker_memory_bytes",
            "Resident memory of a worker",
            memory.clone(),
        );
        let Self { registry, spans, .. } = &mut metrics;
        let help = "Spans for targets of telemetry: exported, or dropped because of a full queue or a refusal";
        registry.register("mlpack_spans", help, spans.clone());
        metrics
    }

    /// Counts spans that a target accepted (`exported`), or why they were dropped.
    pub(crate) fn spans(&self, outcome: &'static str, count: usize) {
        self.spans.get_or_create(&Outcome { outcome }).inc_by(count as u64);
    }

    /// Counts a request as active until [`Metrics::finished`].
    pub(crate) fn begin(&self) {
        self.active.inc();
    }

    /// Records an answer.
    pub(crate) fn finished(
        &self,
        method: &'static str,
        route: &'static str,
        status: u16,
        total: Duration,
    ) {
        let labels = RequestLabels {
            http_request_method: method,
            http_route: route,
            http_response_status_code: status,
        };
        self.active.dec();
        self.duration.get_or_create(&labels).observe(total.as_secs_f64());
    }

    /// Records a call of `run`.
    pub(crate) fn ran(&self, milliseconds: f64) {
        self.run.observe(milliseconds.max(0.0) / 1000.0);
        self.answered.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns how often `run` was called.
    pub(crate) fn answered(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }

    /// Counts a refused request.
    pub(crate) fn refused(&self, reason: &'static str) {
        self.refused.get_or_create(&Reason { reason }).inc();
    }

    /// Counts a restart.
    pub(crate) fn restarted(&self, reason: &'static str) {
        self.restarts.get_or_create(&Reason { reason }).inc();
    }

    /// Returns the figures as text, with the current values of the gauges.
    pub(crate) fn text(&self, queued: usize, ready: usize, pids: &[i32]) -> String {
        let number = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        self.queued.set(number(queued));
        self.ready.set(number(ready));
        for (slot, pid) in (0..).zip(pids) {
            let memory = self.memory.get_or_create(&Slot { worker: slot });
            memory.set(resident(*pid).unwrap_or(0));
        }
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

/// Returns the resident bytes of a process (`man 5 proc_pid_status`).
fn resident(pid: i32) -> Option<i64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: i64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kilobytes * 1024)
}
