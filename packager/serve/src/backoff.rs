//! Pauses before a process is started again.

use std::time::Duration;

/// First pause before a process that served nothing is started again; doubled up to [`LONGEST`].
const FIRST: Duration = Duration::from_millis(100);

/// Longest pause.
const LONGEST: Duration = Duration::from_secs(5);

/// The pauses of one process.
#[derive(Debug, Default)]
pub(crate) struct Backoff(Duration);

impl Backoff {
    /// Waits before the next start, which is at once after a useful life.
    pub(crate) async fn wait(&self) {
        tokio::time::sleep(self.0).await;
    }

    /// Notes the end of a process that was `useful` or not.
    pub(crate) fn ended(&mut self, useful: bool) {
        self.0 = match (useful, self.0.is_zero()) {
            (true, _) => Duration::ZERO,
            (false, true) => FIRST,
            (false, false) => (self.0 * 2).min(LONGEST),
        };
    }
}
