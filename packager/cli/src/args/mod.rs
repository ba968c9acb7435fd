//! Groups of arguments that several verbs share.

mod azure;
mod deployment;
mod image;
mod options;
mod output;
mod project;
mod registry;
mod workspace;

pub(crate) use azure::AzureArgs;
pub(crate) use deployment::TargetArgs;
pub(crate) use image::{IMAGES, PlatformArgs};
pub(crate) use output::OutputArgs;
pub(crate) use project::{LockUseArgs, PolicyArgs, ProjectArgs, variables};
pub(crate) use registry::RegistryArgs;
pub(crate) use workspace::WorkspaceArgs;
