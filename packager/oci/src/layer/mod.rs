//! Layers: what goes into one ([`Tree`]) and the one writer that turns it into bytes.

mod decode;
mod gzip;
mod tree;
mod writer;

pub use decode::LayerReader;
pub use tree::{Content, Node, Opener, Tree};
pub use writer::{Compression, Policy, WrittenLayer, write_layer};
