//! The application behind the command line: package, lock, check and deploy.
//!
//! Tier 3 of mlpack. Each use case takes a request and a [`Session`]. Where something is written,
//! it is split in two: `plan` decides and returns data, `execute` acts on it:
//!
//! > a [`PackageRequest`] becomes a [`package::Plan`], which [`package::execute`] turns into an
//! > image at its destination, named by a pinned reference; a [`deploy::Plan`] and that image
//! > become a service.
//!
//! Nothing here prints or reads the environment, the clock or the current directory: the session
//! holds these as values, and progress, findings and questions go through [`Progress`] and
//! [`Reporter`].
//!
//! [`Progress`]: mlpack_oci::Progress

mod argument;
mod azure_config;
pub mod base;
pub mod batch;
mod checks;
pub mod contents;
pub mod deploy;
mod environment;
mod error;
pub mod fix;
pub mod host_base;
mod images;
mod inputs;
pub mod lock;
mod lock_use;
pub mod models;
pub mod package;
mod packages;
mod placement;
pub mod profile;
mod refusal;
mod registries;
mod remembered;
pub mod render;
mod report;
mod selftest;
pub mod serve;
mod session;
mod stage;
pub mod update;

pub use argument::Argument;
pub use azure_config::AzureConfig;
pub use deploy::DeployRequest;
pub use error::{Error, PackagesError, Result};
pub use inputs::{DEFAULT_POLICY, Destination, LockUse, PackageRequest, ProjectRequest};
pub use models::ModelArgument;
pub use refusal::Refusal;
pub use registries::Registries;
pub use render::RenderRequest;
pub use report::{Reporter, counted};
pub use selftest::Selftest;
pub use session::Session;
pub use update::UpdateRequest;
