//! Resolves a `pip:` list with uv.

pub(crate) mod compile;
pub(crate) mod described_interpreter;
pub(crate) mod direct_sources;
pub(crate) mod hashes;
pub(crate) mod preferences;
pub(crate) mod pylock;
pub(crate) mod relock;
pub(crate) mod resolve;
pub(crate) mod server;
pub(crate) mod server_fallback;
