//! A Kubernetes cluster: its objects, logs and ports by the API server.
//!
//! Tier 1 of mlpack. [`Cluster`] is the only entry point and cheap to clone. Objects are JSON documents, as templates make
//! them and as the API server returns them; a [`Kind`] says where they are.

mod access;
mod cluster;
mod error;
mod failure;
mod kind;
mod pods;
mod tunnel;

pub use access::Access;
pub use cluster::{Cluster, MANAGER};
pub use error::{Claim, Error, Result};
pub use kind::Kind;
pub use tunnel::Tunnel;
