//! How long work reports itself, without knowing who listens.

use std::sync::Arc;

/// Listens to long work; `packager/cli` draws bars or prints lines.
pub trait Progress: Send + Sync {
    /// A piece of work begins; `total` is in bytes where it is known.
    fn begin(&self, what: &str, total: Option<u64>) -> Arc<dyn Meter>;
    /// One thing worth a line: a decision, a blob that was skipped.
    fn note(&self, line: &str);
}

/// One piece of work under way.
pub trait Meter: Send + Sync {
    /// `bytes` more are done.
    fn advance(&self, bytes: u64);
    /// The work is done; `outcome` says how, in a word or two.
    fn finish(&self, outcome: &str);
}

/// Nobody listens.
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
