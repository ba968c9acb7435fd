//! Explains why a server process ended and what the status of an answer means. Pure.

mod cause;
mod end;
mod known;
mod missing;
mod status;
mod traceback;

pub use cause::Explanation;
pub(crate) use end::from_log;
pub use end::{Ended, explain_end};
pub use status::explain_status;
