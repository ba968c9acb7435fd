//! Package indexes over HTTP.

pub(crate) mod client;
pub(crate) mod index;
