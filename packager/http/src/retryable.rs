//! Whether a failure is worth another attempt.

use std::time::Duration;

/// Whether another attempt may succeed after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// No: the answer will be the same.
    Never,
    /// Perhaps, but soon: the host was never reached. A wrong name or port does not mend itself,
    /// whereas a name server or a service that is being started may answer in a moment.
    Soon,
    /// Yes, after the usual wait, and no earlier than this.
    After(Duration),
}

impl Retry {
    /// Returns [`Retry::After`] with what the server asked for, which may be nothing.
    pub fn asked(retry_after: Option<Duration>) -> Self {
        Self::After(retry_after.unwrap_or_default())
    }
}

/// An error that knows whether its request is worth repeating.
pub trait Retryable {
    /// Classifies the error.
    fn retry(&self) -> Retry;
}
