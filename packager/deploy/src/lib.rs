//! From a pinned reference and a deployment config to a running web service.
//!
//! Floor 2 of mlpack. A [`DeploymentConfig`] says for which compute target and how; the target's
//! deployer renders what is to be, then applies it, and gives back a [`Webservice`]. The local
//! target keeps no state of its own: a service is a container that bears mlpack's labels.

pub mod config;
mod deployer;
mod error;
mod explain;
pub mod local;
mod name;
mod select;
mod webservice;

pub use config::DeploymentConfig;
pub use deployer::{Answer, DEFAULT_TIMEOUT, Deployer, Deployment, Request};
pub use error::{Error, Result};
pub use explain::{Ended, Explanation, explain_end, explain_status};
pub use name::ServiceName;
pub use select::{Connections, deployer_for};
pub use webservice::{ServiceState, Webservice};
