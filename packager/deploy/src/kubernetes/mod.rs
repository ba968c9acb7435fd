//! Kubernetes, which the compute type `aks` names: any conformant cluster from version 1.30 on.

mod address;
mod apply;
mod cluster;
mod error;
mod keys;
mod pod;
mod pod_state;
mod release;
mod render;
mod rollout;
mod score;
mod secrets;
mod services;
mod target;

pub(crate) use render::render;
pub(crate) use target::connect;
