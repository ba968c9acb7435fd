//! Azure Container Instances, which the compute type `aci` names.

mod apply;
mod error;
mod group;
mod group_state;
mod record;
mod release;
mod render;
mod rollout;
mod score;
mod services;
mod target;

pub(crate) use render::render;
pub(crate) use target::connect;
