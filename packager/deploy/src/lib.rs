//! From a pinned reference and a deployment config to a running web service.
//!
//! Tier 2 of mlpack. A [`DeploymentConfig`] names a compute target and its settings;
//! [`deployer_for`] connects to the target. A [`Deployer`] renders what to create, applies it, and
//! returns a [`Webservice`]. To add a target, add a folder with a `connect` function and a line in
//! `select.rs`.

pub mod config;
mod deployer;
mod error;
mod explain;
pub mod local;
mod name;
mod select;
mod service_keys;
mod state;
mod webservice;

pub use config::DeploymentConfig;
pub use deployer::{Answer, Connections, DEFAULT_TIMEOUT, Deployer, Deployment, Request};
pub use error::{Error, Result, log_block};
pub use explain::{Ended, Explanation, explain_end, explain_status};
pub use name::ServiceName;
pub use select::deployer_for;
pub use service_keys::{KeyName, ServiceKeys};
pub use state::ServiceState;
pub use webservice::Webservice;
