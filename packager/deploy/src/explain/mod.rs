//! What the end of a service's process and the status of its answers mean, in sentences. Pure.

mod end;
mod status;

pub(crate) use end::from_log;
pub use end::{Ended, explain_end};
pub use status::explain_status;

/// A cause and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// What happened, a sentence without a full stop.
    pub cause: String,
    /// What to do, a sentence without a full stop.
    pub remedy: String,
}

impl Explanation {
    fn new(cause: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { cause: cause.into(), remedy: remedy.into() }
    }
}
