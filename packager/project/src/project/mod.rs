//! What goes into an image, as the user gives it: the inference configuration, the flags that
//! override it, models, and extra Dockerfile lines. This module parses and finds files;
//! [`crate::check`] decides whether the result makes sense.

pub mod docker_steps;
mod environment_form;
mod error;
mod inference_config;
mod listing;
mod model;
mod options;
#[allow(clippy::module_inception, reason = "the module is named after its main type")]
mod project;
mod registry_access;
mod resolve;
mod runtime;
mod stored_layer;

pub use environment_form::EnvironmentForm;
pub use error::{Error, Result};
pub use inference_config::InferenceConfig;
pub use listing::{Listing, PackedFile, PackedKind};
pub use mlpack_documents::{Ignored, Located};
pub use mlpack_oci::Secret;
pub use model::{Model, ModelSpec, UNREGISTERED, is_model_name};
pub use options::{OPTIONS, OptionSpec, ProjectOptions};
pub use project::{CondaSource, Project, SourceDirectory};
pub use registry_access::RegistryAccess;
pub use runtime::Runtime;
pub use stored_layer::StoredLayer;
