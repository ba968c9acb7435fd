//! Decides which failed HTTP requests are repeated, and when.
//!
//! Tier 0 of mlpack: the crates that speak HTTP (registries, package indexes) share this policy, so
//! that the same failure is treated the same way everywhere. A failure is classified as a [`Retry`],
//! a [`Backoff`] turns it into a wait, and [`retry`] does both in a loop. Time comes from a
//! [`Clock`], so that tests do not wait.

mod backoff;
mod body;
mod cause;
mod clock;
mod retry;
mod retryable;
mod status;

pub use backoff::{Backoff, RetryPolicy};
pub use body::Body;
pub use cause::{Cause, CauseKind};
pub use clock::{Clock, ManualClock, SystemClock};
pub use retry::retry;
pub use retryable::{Retry, Retryable};
pub use status::{is_transient, retry_after};
