//! Lines of the front door's own log: one JSON object a line on standard output, never split by a worker's output.
//!
//! What user code prints passes through unchanged, whole line by whole line, on the stream that it was printed to.

use std::io::Write as _;
use std::sync::Mutex;
use std::time::SystemTime;

use serde::Serialize;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};

/// Longest line of user code that is passed on in one piece.
const MAX_LINE: usize = 64 << 10;

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
    let now = jiff::Timestamp::try_from(SystemTime::now()).unwrap_or_default();
    let line = Line { time: format!("{now:.3}"), level, what };
    if let Ok(mut text) = serde_json::to_vec(&line) {
        text.push(b'\n');
        let _ = std::io::stdout().lock().write_all(&text);
    }
}

/// Logs a request that was answered.
pub(crate) fn request(request: &Request<'_>) {
    write("info", request);
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

/// The last lines of a worker's output, for the report of its end.
#[derive(Debug, Default)]
pub(crate) struct Tail(Mutex<std::collections::VecDeque<String>>);

impl Tail {
    const LINES: usize = 40;

    fn push(&self, line: &[u8]) {
        let mut lines = self.0.lock().unwrap_or_else(|broken| broken.into_inner());
        if lines.len() == Self::LINES {
            lines.pop_front();
        }
        lines.push_back(String::from_utf8_lossy(line).trim_end().to_owned());
    }

    /// The lines, oldest first.
    pub(crate) fn text(&self) -> String {
        let lines = self.0.lock().unwrap_or_else(|broken| broken.into_inner());
        lines.iter().map(String::as_str).collect::<Vec<_>>().join("\n")
    }
}

/// A stream of this process.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Output {
    Standard,
    Error,
}

/// Passes a worker's output on until it is closed.
pub(crate) async fn pass_on(from: impl AsyncRead + Unpin, to: Output, tail: &Tail) {
    let mut from = BufReader::with_capacity(16 << 10, from);
    let mut line = Vec::new();
    loop {
        let Ok(buffer) = from.fill_buf().await else { return };
        if buffer.is_empty() {
            break;
        }
        let (used, ended) = match buffer.iter().position(|byte| *byte == b'\n') {
            Some(at) => (at + 1, true),
            None => (buffer.len(), false),
        };
        line.extend_from_slice(&buffer[..used]);
        from.consume(used);
        if ended || line.len() >= MAX_LINE {
            emit(&mut line, to, tail);
        }
    }
    if !line.is_empty() {
        emit(&mut line, to, tail);
    }
}

fn emit(line: &mut Vec<u8>, to: Output, tail: &Tail) {
    if line.last() != Some(&b'\n') {
        line.push(b'\n');
    }
    let _ = match to {
        Output::Standard => std::io::stdout().lock().write_all(line),
        Output::Error => std::io::stderr().lock().write_all(line),
    };
    tail.push(line);
    line.clear();
}
