//! The new layers of an image: their trees, how they overlay the base, and the cache of those
//! written before.

mod cache;
pub(super) mod environment;
mod groups;
mod key;
pub(super) mod model;
mod model_key;
pub(super) mod overlay;
mod stamp;
pub(super) mod trees;

pub use cache::LayerCache;
pub(super) use cache::{KnownLayer, RecordKind};
pub(super) use environment::EnvironmentLayers;
pub(super) use model::UnwrittenModels;
pub(super) use model_key::ModelKey;
pub use trees::model as model_tree;
