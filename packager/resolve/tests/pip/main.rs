//! Pip lists: all of pip's syntax and the resolver's strategies, with packages and an index that the
//! tests make, and three lists against the real index.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test panics when something is missing and prints what it skips"
)]

mod kit;

mod conflicts;
mod direct_sources;
mod exclude_newer;
mod indexes;
mod install;
mod legacy_metadata;
mod list_faults;
mod lists;
mod online;
mod other_pythons;
mod platforms;
mod relock;
mod server;
mod server_fallback;
mod source_builds;
