//! The file system of an image, read from its layers without unpacking or running them.
//!
//! [`LayerIndex::read`] streams one layer once and keeps its paths and a few small contents;
//! [`RootFs::merge`] merges the indexes as a runtime would.

mod index;
mod merged;

pub use index::{CaptureRule, Entry, Finder, Kind, LayerIndex};
pub use merged::{Found, RootFs};
