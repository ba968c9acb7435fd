//! Layers: what goes into one ([`Tree`]) and the one writer that turns it into bytes.

mod compose;
mod decode;
mod entry;
mod gzip;
mod tree;
mod writer;

pub use compose::{Part, StoredPart, compose_layer};
pub use decode::LayerReader;
pub use tree::{Content, Deflated, Node, Opener, Tree};
pub use writer::{Compression, LayerOptions, WrittenLayer, write_layer};
