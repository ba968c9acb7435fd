//! Groups of arguments that several verbs share.

mod azure;
mod deployment;
mod image;
mod options;
mod project;
mod registry;

pub(crate) use azure::AzureArgs;
pub(crate) use deployment::TargetArgs;
pub(crate) use image::{IMAGES, PlatformArgs};
pub(crate) use project::{LockUseArgs, PolicyArgs, ProjectArgs, variables};
pub(crate) use registry::RegistryArgs;
