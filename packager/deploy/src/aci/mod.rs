//! Azure Container Instances, which the compute type `aci` names.

mod render;

pub(crate) use render::render;
