//! Package archives and the cache that holds them: indexes, channels, wheels, conda archives.

pub mod cache;
pub mod conda;
mod entries;
mod error;
mod limits;
pub mod net;
mod settings;
pub mod wheel;

pub use entries::FileEntry;
pub use error::{Error, Result};
pub use settings::{CondaSettings, DEFAULT_INDEX, Settings};
