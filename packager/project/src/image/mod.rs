//! From a project and a base to a new image, and from any image back to its contents.

mod assemble;
mod base;
mod blobs;
mod canonical;
mod config;
mod contents;
mod front_door;
pub mod inspect;
mod interpreter;
mod layers;
mod manifest;
mod plan;
mod record;
mod variables;

pub use assemble::Assembler;
pub use base::Base;
pub use contents::{Change, Contents, PackageEntry};
pub use front_door::{FRONT_DOOR, FrontDoor, WORKER};
pub use interpreter::{InterpreterPreference, InterpreterSelection};
pub use layers::{LayerCache, model_tree};
pub use plan::{ENVIRONMENT_LAYERS, Inputs, Plan, PlannedLayer, plan};
pub use record::{
    BaseRecord, LABEL, LayerRecord, ModelRecord, PackageRecord, PolicyRecord, PythonRecord, Record,
    Role,
};
pub use variables::models_dir;

/// The app root: working directory of the service and home of scripts and models
/// (docs/azureml-2019.md#1.6).
pub const APP_ROOT: &str = "/var/azureml-app";

/// The folder of models below the app root (docs/azureml-2019.md#1.5).
pub const MODELS_DIR: &str = "azureml-models";

/// The folder of models from the root; `azureml-models` is a link to it, so that a model's layer is the same in every
/// image, in a registry of models, and as a volume (docs/models.md).
pub const MODELS_ROOT: &str = "models";

/// The port the service listens on (docs/azureml-2019.md#4.1).
pub const PORT: u16 = mlpack_oci::labels::DEFAULT_PORT;

/// Numeric user and group of a service whose base would run as root; a number, so that Kubernetes
/// can verify that it is not root.
pub const SERVICE_USER: &str = "65532:65532";

/// The number in [`SERVICE_USER`].
pub(crate) const SERVICE_ID: u32 = 65532;
