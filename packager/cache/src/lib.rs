//! The cache folder as a whole: whose it is, what is in it, and what is removed from it.
//!
//! Each crate keeps its files in a folder below the cache (docs/cache.md). This one knows only the
//! folders: [`CacheFolder::open`] marks a new cache and refuses a folder of another kind,
//! [`CacheFolder::entries`] lists what may be removed on its own, [`CacheFolder::prune`] and
//! [`CacheFolder::verify`] remove. Nothing is removed beside a running mlpack: each holds
//! [`InUse`], and removal waits for the last one.

mod entries;
mod error;
mod folder;
mod kinds;
mod prune;
mod sweep;
mod verify;

pub use entries::{Entry, Summary};
pub use error::{Error, Result};
pub use folder::{CacheFolder, InUse};
pub use prune::{Bounds, Pruned};
pub use verify::Verified;
