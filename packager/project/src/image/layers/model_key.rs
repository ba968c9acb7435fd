//! The cache key of a model's layer: models are identified by path, size and times of their files.

use std::io;

use mlpack_oci::layer::{Compression, Content, LayerOptions, Node, Tree};
use mlpack_oci::{Digest, FORMAT_VERSION};

use super::key::KeyWriter;
use super::stamp::Stamp;

/// Everything that decides a model's layer, without reading the files.
#[derive(Debug, Clone, Copy)]
pub(in crate::image) struct ModelKey {
    pub(in crate::image) digest: Digest,
    /// When the last of the files was changed, in nanoseconds since 1970.
    changed: i128,
}

impl ModelKey {
    /// Returns the key of a tree whose files are on this machine.
    pub(in crate::image) fn of(
        tree: &Tree,
        compression: Compression,
        options: LayerOptions,
    ) -> io::Result<Self> {
        let mut key = KeyWriter::new("model");
        let compression = match compression {
            Compression::Gzip => "gzip",
            Compression::None => "none",
            Compression::Probe => "probe",
        };
        key.field("format", FORMAT_VERSION).field("compression", compression);
        key.field("mtime", options.mtime);
        let mut changed = 0;
        for (path, node) in tree.iter() {
            key.node(path, node);
            if let Node::File { content: Content::File(file), .. } = node {
                let stamp = Stamp::of(file)?;
                changed = changed.max(stamp.changed);
                key.field("stamp", stamp);
            }
        }
        Ok(Self { digest: key.finish(), changed })
    }

    /// Returns whether what was recorded at a moment can be trusted. A file that was written to in
    /// the same moment may have been written to again without a trace, so some time must have
    /// passed, as in the index of git. The coarsest clock of a file system ticks every two
    /// seconds.
    pub(super) fn is_settled(self, recorded: i128) -> bool {
        recorded - self.changed > 2_000_000_000
    }
}
