//! The local target: a container in the Docker engine of this machine (docs/azureml-2019.md#6).

mod address;
mod apply;
mod docker;
mod error;
mod front_door;
mod health;
mod render;
mod score;
mod secrets;
mod services;
mod target;
mod tls;

pub use docker::LocalDeployer;
pub use error::Error;
pub use render::{port_of, render};
pub(crate) use target::connect;
