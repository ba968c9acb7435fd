//! How long work reports its progress, independently of how it is shown.

use std::sync::Arc;

/// Receives progress; `packager/cli` draws bars or prints lines.
pub trait Progress: Send + Sync {
    /// Starts a piece of work; `total` is in bytes, if it is known.
    fn begin(&self, what: &str, total: Option<u64>) -> Arc<dyn Meter>;
    /// Reports one line: a decision, a blob that was skipped.
    fn note(&self, line: &str);
}

/// One piece of work under way.
pub trait Meter: Send + Sync {
    /// Reports that `bytes` more are done.
    fn advance(&self, bytes: u64);
    /// Ends the work; `outcome` is a word or two, as in `copied`.
    fn finish(&self, outcome: &str);
}

/// Ignores progress.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _: &str, _: Option<u64>) -> Arc<dyn Meter> {
        Arc::new(Silent)
    }
    fn note(&self, _: &str) {}
}

impl Meter for Silent {
    fn advance(&self, _: u64) {}
    fn finish(&self, _: &str) {}
}
