//! From a project and a base to a new image, and from any image back to what is in it.

mod app;
mod assemble;
mod config;
mod contents;
mod environment_layers;
mod graft;
mod groups;
pub mod inspect;
mod interpreter;
mod layer_cache;
mod model_layers;
mod plan;
mod record;
mod templates;

pub use assemble::assemble;
pub use contents::{Change, Contents, Listed};
pub use interpreter::{InterpreterPreference, InterpreterSelection, InterpreterSource};
pub use layer_cache::LayerCache;
pub use plan::{Base, ENVIRONMENT_LAYERS, Inputs, Plan, PlannedLayer, plan};
pub use record::{
    BaseRecord, LABEL, LayerRecord, ModelRecord, PolicyRecord, PythonRecord, Record, Role,
};
pub use templates::Templates;

/// The app root: working directory of the service and home of scripts and models (docs/azureml-2019.md#1.6).
pub const APP_ROOT: &str = "/var/azureml-app";

/// Where models lie below the app root (docs/azureml-2019.md#1.5).
pub const MODELS_DIR: &str = "azureml-models";

/// The port the service listens on (docs/azureml-2019.md#4.1).
pub const PORT: u16 = mlpack_oci::labels::DEFAULT_PORT;

/// The launcher, first process of the container.
pub const LAUNCHER: &str = "/opt/mlpack/launch.py";

/// Numeric user and group of a service whose base leaves it to root; a number, so that Kubernetes
/// can tell it is not root.
pub const SERVICE_USER: &str = "65532:65532";
