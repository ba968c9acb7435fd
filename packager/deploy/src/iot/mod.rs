//! Azure IoT Edge, which the compute type `iot` names.

mod render;

pub(crate) use render::render;
