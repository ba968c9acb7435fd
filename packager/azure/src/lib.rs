//! Azure Resource Manager: signing in, resources, operations that take long, and commands in containers.
//!
//! Tier 1 of mlpack. Resources are JSON: what they mean is the caller's. A token is kept in memory only.

mod cloud;
mod command;
mod error;
mod http;
mod operation;
mod resource_manager;
mod sign_in;
mod token;

pub use error::{Error, Result};
pub use operation::{Operation, OperationState};
pub use resource_manager::ResourceManager;
pub use sign_in::SignIn;
