//! Resolves requirements to a lock: conda packages by rattler, pip packages by uv.
//!
//! > [`ResolveRequest`] goes into [`resolve()`], which returns a [`Resolution`] with a complete
//! > [`mlpack_lock::LockedEnvironment`].
//!
//! Nothing of the image is run, and nothing of this machine decides the result.

mod conda;
mod entry;
mod error;
mod exclude_newer;
mod lock_inputs;
mod pip;
mod request;
#[cfg(test)]
mod testing;

pub use entry::{resolve, settings_of};
pub use error::{CondaError, Error, PipError, Result};
pub use lock_inputs::lock_inputs;
pub use request::{Resolution, ResolveRequest};
