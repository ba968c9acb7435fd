//! Whole lines on this process's two streams, written by a thread, so that a reader of the log that pauses stops no
//! request.
//!
//! What user code prints is passed on unchanged, line by line, on the stream that it was printed to.

use std::collections::VecDeque;
use std::io::{BufWriter, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::sync::{mpsc, oneshot};

/// Longest line of user code that is passed on in one piece.
const MAX_LINE: usize = 64 << 10;

/// Lines that wait for the thread at most.
const MAX_WAITING: usize = 4096;

/// How long the thread lets lines gather: waking it for each costs a request more time than writing the line.
const GATHERING: Duration = Duration::from_millis(5);

/// How long lines that wait may take at the end.
const FLUSH_GRACE: Duration = Duration::from_secs(1);

static WRITER: OnceLock<mpsc::Sender<Piece>> = OnceLock::new();
static DROPPED: AtomicU64 = AtomicU64::new(0);

/// A stream of this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    /// Standard output.
    Output,
    /// Standard error.
    Error,
}

enum Piece {
    Line(Stream, Vec<u8>),
    Flush(oneshot::Sender<()>),
}

/// Starts the thread that writes.
///
/// # Errors
/// The system's reason why it does not start.
pub(crate) fn start() -> std::io::Result<()> {
    let (sender, receiver) = mpsc::channel(MAX_WAITING);
    std::thread::Builder::new().name("output".to_owned()).spawn(move || write_all(receiver))?;
    let _ = WRITER.set(sender);
    Ok(())
}

fn write_all(mut pieces: mpsc::Receiver<Piece>) {
    let mut output = BufWriter::new(std::io::stdout());
    let mut error = BufWriter::new(std::io::stderr());
    let mut last = Stream::Output;
    while let Some(piece) = pieces.blocking_recv() {
        // A reader that is gone must not end the service.
        match piece {
            Piece::Line(stream, line) => {
                if stream != last {
                    let _ = output.flush();
                    let _ = error.flush();
                    last = stream;
                }
                let _ = match stream {
                    Stream::Output => output.write_all(&line),
                    Stream::Error => error.write_all(&line),
                };
                if pieces.is_empty() {
                    let _ = output.flush();
                    let _ = error.flush();
                    std::thread::sleep(GATHERING);
                }
            }
            Piece::Flush(done) => {
                let _ = output.flush();
                let _ = error.flush();
                let _ = done.send(());
            }
        }
    }
}

/// Writes a line to standard output without waiting. If too many wait, it is dropped and counted.
pub(crate) fn offer(line: Vec<u8>) {
    let sent = WRITER.get().map(|writer| writer.try_send(Piece::Line(Stream::Output, line)));
    if !matches!(sent, Some(Ok(()))) {
        DROPPED.fetch_add(1, Ordering::Relaxed);
    }
}

/// The number of lines dropped since the last call.
pub(crate) fn take_dropped() -> u64 {
    DROPPED.swap(0, Ordering::Relaxed)
}

/// Waits until everything before has been written.
pub(crate) async fn flush() {
    let Some(writer) = WRITER.get() else { return };
    let (done, written) = oneshot::channel();
    let flushed = async {
        let _ = writer.send(Piece::Flush(done)).await;
        let _ = written.await;
    };
    let _ = tokio::time::timeout(FLUSH_GRACE, flushed).await;
}

/// The last lines of a worker's output, for the report of its end.
#[derive(Debug, Default)]
pub(crate) struct Tail(Mutex<VecDeque<String>>);

impl Tail {
    const LINES: usize = 40;

    fn push(&self, line: &[u8]) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == Self::LINES {
            lines.pop_front();
        }
        lines.push_back(String::from_utf8_lossy(line).trim_end().to_owned());
    }

    /// The lines, oldest first.
    pub(crate) fn text(&self) -> String {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().map(String::as_str).collect::<Vec<_>>().join("\n")
    }
}

/// Passes a worker's output on until it is closed.
pub(crate) async fn pass_on(from: impl AsyncRead + Unpin, to: Stream, tail: &Tail) {
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
            emit(std::mem::take(&mut line), to, tail).await;
        }
    }
    if !line.is_empty() {
        emit(line, to, tail).await;
    }
}

async fn emit(mut line: Vec<u8>, to: Stream, tail: &Tail) {
    if line.last() != Some(&b'\n') {
        line.push(b'\n');
    }
    tail.push(&line);
    if let Some(writer) = WRITER.get() {
        let _ = writer.send(Piece::Line(to, line)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_tail_has_the_last_lines_and_the_unfinished_one() {
        let text: String = (0..50).map(|number| format!("line {number}\n")).collect();
        let tail = Tail::default();
        pass_on(format!("{text}end").as_bytes(), Stream::Output, &tail).await;
        let text = tail.text();
        assert_eq!(text.lines().count(), Tail::LINES);
        assert!(text.starts_with("line 11\n") && text.ends_with("line 49\nend"), "{text}");
    }
}
