//! The Docker engine as a source and a sink of images, and its containers.
//!
//! Tier 1 of mlpack. [`Engine`] is the only entry point and cheap to clone. As in Docker, an image is
//! identified by its id (the digest of its config), a container by its name or id.

mod connect;
mod container;
mod containers;
mod error;
mod export;
mod files;
mod inspect;
mod known_layers;
mod load;
mod networks;
mod tar_stream;
mod usage;

pub use connect::Engine;
pub use container::{Container, ContainerSpec, ContainerStatus, Limits, Mount, PublishedPort};
pub use error::{Error, Result};
pub use inspect::EngineImage;
pub use usage::Usage;

// The tests of both kinds share their support, which names this crate from outside.
#[cfg(test)]
extern crate self as mlpack_engine;
#[cfg(test)]
#[path = "../tests/support/mod.rs"]
mod support;
