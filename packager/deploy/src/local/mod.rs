//! The local target: a container in the Docker engine of this machine (docs/azureml-2019.md#6).

mod address;
mod apply;
mod docker;
mod error;
mod files;
mod generations;
mod health;
mod interrupted;
mod profile;
mod render;
mod score;
mod secrets;
mod services;
mod target;
mod update;

pub use docker::LocalDeployer;
pub use error::Error;
pub use render::render;
pub(crate) use target::connect;
