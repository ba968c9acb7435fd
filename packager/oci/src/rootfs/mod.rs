//! The file system of an image, read from its layers without running them.
//!
//! [`LayerIndex::read`] streams one layer once and keeps its paths and a few small contents;
//! [`RootFs::merge`] merges the indexes as a runtime would. [`unpack`] writes the files.

mod index;
mod merged;
mod unpack;
mod walk;

pub use index::{CaptureRule, Entry, Finder, Kind, LayerIndex};
pub use merged::{Found, RootFs};
pub use unpack::unpack;
