//! From a pinned reference and a deployment config to a running web service.
//!
//! Tier 2 of mlpack. A [`DeploymentConfig`] names a compute target and its settings;
//! [`deployer_for`] connects to the target. A [`Deployer`] renders what to create, applies it, and
//! returns a [`Webservice`]. To add a target, add a folder with a `connect` function and a line in
//! `select.rs`.

mod aci;
mod azure_account;
mod change;
mod clients;
pub mod config;
mod deployer;
mod error;
mod explain;
mod front_door;
mod image_facts;
mod iot;
mod kubernetes;
pub mod local;
mod metadata;
mod name;
mod options;
mod placement_error;
mod profile;
mod rendering;
mod replaceable;
mod scoring;
mod select;
mod service_keys;
mod state;
mod tls;
mod webservice;

pub use azure_account::AzureAccount;
pub use change::Change;
pub use config::DeploymentConfig;
pub use deployer::{Answer, Connections, Current, DEFAULT_TIMEOUT, Deployer, Deployment, Request};
pub use error::{Error, Result, log_block};
pub use explain::{Ended, Explanation, explain_end, explain_status};
pub use front_door::port_of;
pub use image_facts::{ImageFacts, PullLogin, PullLogins};
pub use metadata::Metadata;
pub use mlpack_azure::SignIn;
pub use name::ServiceName;
pub use options::{Exposure, TargetOptions, is_name};
pub use placement_error::PlacementError;
pub use profile::Measured;
pub use rendering::{Form, Rendered, RenderedDocument, Rendering};
pub use select::{deployer_for, render};
pub use service_keys::{KeyName, ServiceKeys};
pub use state::ServiceState;
pub use webservice::{ModelUse, Webservice};
