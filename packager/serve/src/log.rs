//! The front door's own log: one JSON object a line on standard output.

use std::time::{Duration, SystemTime};

use serde::Serialize;

use crate::output;

/// One request.
#[derive(Debug, Serialize)]
pub(crate) struct Request<'a> {
    pub(crate) id: &'a str,
    pub(crate) method: &'a str,
    pub(crate) route: &'a str,
    pub(crate) status: u16,
    pub(crate) queue_ms: f64,
    pub(crate) run_ms: f64,
    pub(crate) total_ms: f64,
    pub(crate) bytes_in: u64,
    pub(crate) bytes_out: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<&'a str>,
}

/// The addresses in use.
#[derive(Debug, Serialize)]
pub(crate) struct Listening<'a> {
    pub(crate) message: &'static str,
    pub(crate) address: &'a str,
    pub(crate) operations: &'a str,
}

#[derive(Serialize)]
struct Line<'a, T> {
    time: String,
    level: &'a str,
    #[serde(flatten)]
    what: T,
}

#[derive(Serialize)]
struct Message<'a> {
    message: &'a str,
}

fn write(level: &str, what: impl Serialize) {
    let dropped = output::take_dropped();
    if dropped > 0 {
        let message = format!("dropped {dropped} log lines: nothing read the log");
        offer("warning", Message { message: &message });
    }
    offer(level, what);
}

fn offer(level: &str, what: impl Serialize) {
    #[expect(clippy::disallowed_methods, reason = "a log line has the time")]
    let now = jiff::Timestamp::try_from(SystemTime::now()).unwrap_or_default();
    let line = Line { time: format!("{now:.3}"), level, what };
    if let Ok(mut text) = serde_json::to_vec(&line) {
        text.push(b'\n');
        output::offer(text);
    }
}

/// Milliseconds with two decimals.
pub(crate) fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e5).round() / 100.0
}

/// Logs a request.
pub(crate) fn request(request: &Request<'_>) {
    write("info", request);
}

/// Logs the addresses in use.
pub(crate) fn listening(listening: &Listening<'_>) {
    write("info", listening);
}

/// Logs an event.
pub(crate) fn info(message: &str) {
    write("info", Message { message });
}

/// Logs something that an operator should look at.
pub(crate) fn warning(message: &str) {
    write("warning", Message { message });
}

/// Logs a failure.
pub(crate) fn error(message: &str) {
    write("error", Message { message });
}
