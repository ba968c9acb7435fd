//! The inputs of an image: the inference configuration, the flags that take precedence over it,
//! models, and extra Dockerfile lines. This module parses and loads them; [`crate::check`] finds
//! what is wrong with them.

pub mod docker_steps;
mod document;
mod environment_form;
mod error;
mod fields;
mod inference_config;
mod listing;
mod model;
mod options;
#[allow(clippy::module_inception, reason = "the module is named after its main type")]
mod project;
mod registry_access;
mod resolve;

pub use environment_form::EnvironmentForm;
pub use error::{Error, Result};
pub use fields::Located;
pub(crate) use fields::nearest;
pub use inference_config::{InferenceConfig, Runtime};
pub use listing::{Listing, PackedFile, PackedKind};
pub use mlpack_oci::Secret;
pub use model::{Model, ModelSpec, UNREGISTERED, is_model_name};
pub use options::{OPTIONS, OptionSpec, ProjectOptions};
pub use project::{CondaSource, Project, SourceDirectory};
pub use registry_access::RegistryAccess;
