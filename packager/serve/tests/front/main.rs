//! The front door and the builtin worker as they run in an image: the real binary, a real Python, scripts of the test.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]
#![allow(clippy::disallowed_methods, reason = "a test looks for the Pythons of its machine")]
#![allow(clippy::print_stdout, reason = "a skipped test says so")]

mod client;
mod kit;

mod access;
mod batch;
mod boot;
mod death;
mod differential;
mod limits;
mod modes;
mod operations;
mod pythons;
mod reload;
mod scoring;
mod shutdown;
mod successor;
mod telemetry;
mod time_limit;
