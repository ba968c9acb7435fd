//! Groups of arguments that several verbs share.

mod azure;
mod data;
mod deployment;
mod filter;
mod image;
mod options;
mod output;
mod placement;
mod project;
mod registry;
mod rendering;
mod settings;
mod workspace;

pub(crate) use azure::{AzureArgs, AzurePlaceArgs};
pub(crate) use data::data;
pub(crate) use deployment::{ConfigArgs, TargetArgs};
pub(crate) use filter::FilterArgs;
pub(crate) use image::{IMAGES, PlatformArgs};
pub(crate) use output::OutputArgs;
pub(crate) use project::{LockUseArgs, PolicyArgs, ProjectArgs, variables};
pub(crate) use registry::RegistryArgs;
pub(crate) use rendering::RenderArgs;
pub(crate) use workspace::WorkspaceArgs;
