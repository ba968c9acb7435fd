//! Package indexes over HTTP.

pub mod client;
mod download_lock;
pub mod index;
