//! The file system of an image, read out of its layers without unpacking or running them.
//!
//! [`LayerIndex::read`] streams one layer once and keeps its paths and a few small contents;
//! [`RootFs::merge`] lays the indexes over each other as a runtime would.

mod index;
mod merged;

pub use index::{Entry, Finder, Kind, LayerIndex, Want};
pub use merged::{Found, RootFs};
