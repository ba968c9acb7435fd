//! Resolves requirements to a locked environment: conda packages by rattler, pip packages by uv.

pub(crate) mod conda;
pub(crate) mod entry;
pub(crate) mod exclude_newer;
pub(crate) mod lock_inputs;
pub(crate) mod pip;
pub(crate) mod request;
