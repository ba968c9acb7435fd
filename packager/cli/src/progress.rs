//! Progress: bars on a terminal, one plain line per event elsewhere, nothing if quiet.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use mlpack_oci::{Meter, Progress, Silent};

use crate::output;

/// Without a terminal, work that takes less time than this is not reported.
const SHORTEST: Duration = Duration::from_millis(500);

/// Returns the listener for this run.
pub(crate) fn listener(terminal: bool, quiet: bool) -> Arc<dyn Progress> {
    match (quiet, terminal) {
        (true, _) => Arc::new(Silent),
        (false, true) => Arc::new(Bars(MultiProgress::new())),
        (false, false) => Arc::new(Lines),
    }
}

struct Bars(MultiProgress);

impl Progress for Bars {
    fn begin(&self, what: &str, total: Option<u64>) -> Arc<dyn Meter> {
        let bar = self.0.add(ProgressBar::no_length());
        let template = match total {
            Some(total) => {
                bar.set_length(total);
                "{msg:32} {bar:24} {bytes:>10}/{total_bytes:<10} {bytes_per_sec:>12}"
            }
            None => "{msg:32} {spinner} {bytes:>10} {bytes_per_sec:>12}",
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(output::for_people(what));
        bar.enable_steady_tick(Duration::from_millis(120));
        Arc::new(Bar { bar, all: self.0.clone(), what: what.to_owned(), begun: Instant::now() })
    }

    fn note(&self, line: &str) {
        let _ = self.0.println(output::for_people(line));
    }
}

struct Bar {
    bar: ProgressBar,
    all: MultiProgress,
    what: String,
    begun: Instant,
}

impl Meter for Bar {
    fn advance(&self, bytes: u64) {
        self.bar.inc(bytes);
    }

    fn finish(&self, outcome: &str) {
        let bytes = self.bar.position();
        self.bar.finish_and_clear();
        let _ = self.all.println(output::for_people(&summary(
            &self.what,
            outcome,
            bytes,
            self.begun.elapsed(),
        )));
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

struct Lines;

impl Progress for Lines {
    fn begin(&self, what: &str, _: Option<u64>) -> Arc<dyn Meter> {
        Arc::new(Line { what: what.to_owned(), bytes: AtomicU64::new(0), begun: Instant::now() })
    }

    fn note(&self, line: &str) {
        output::error_line(line);
    }
}

struct Line {
    what: String,
    bytes: AtomicU64,
    begun: Instant,
}

impl Meter for Line {
    fn advance(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    fn finish(&self, outcome: &str) {
        let (bytes, time) = (self.bytes.load(Ordering::Relaxed), self.begun.elapsed());
        if time >= SHORTEST {
            output::error_line(&summary(&self.what, outcome, bytes, time));
        }
    }
}

fn summary(what: &str, outcome: &str, bytes: u64, time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if bytes == 0 {
        return format!("{what}: {outcome} ({seconds:.1} s)");
    }
    let speed = output::size((bytes as f64 / seconds.max(0.001)) as u64);
    format!("{what}: {outcome} ({}, {seconds:.1} s, {speed}/s)", output::size(bytes))
}
