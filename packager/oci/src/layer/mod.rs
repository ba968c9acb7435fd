//! Layers: what goes into one ([`Tree`]) and the writer that turns it into bytes.

mod compose;
mod decode;
mod entry;
mod gzip;
mod single;
mod tree;
mod unchanged;
mod writer;

pub use compose::{Part, StoredPart, compose_layer};
pub(crate) use decode::Zstd;
pub use decode::{Encoding, LayerReader};
pub use single::{Compression, write_layer};
pub use tree::{Content, Deflated, Node, Opener, Stamp, Tree};
pub use writer::{LayerOptions, WrittenLayer};
