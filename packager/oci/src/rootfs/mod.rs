//! The file system of an image, read from its layers without running them.
//!
//! [`LayerIndex::read`] streams one layer once and keeps its paths and a few small contents;
//! [`RootFs::merge`] merges the indexes as a runtime would. [`unpack`] writes the files.

mod capture;
mod index;
mod merged;
mod names;
mod sparse;
mod unpack;
mod walk;

pub use capture::{CaptureRule, Finder};
pub use index::{Entry, Kind, LayerIndex};
pub use merged::{Found, RootFs};
pub use unpack::unpack;
