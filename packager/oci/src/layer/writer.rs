//! The one writer of layers: tar entries go out compressed or as they are, hashed on the way.

use std::fs::File;
use std::io::{self, BufReader, Read as _, Seek as _, SeekFrom, Write};
use std::sync::Arc;

use flate2::Crc;
use flate2::bufread::MultiGzDecoder;
use oci_spec::image::{Descriptor, MediaType};

use super::entry::{END, copy_exactly, pad, write_entry, write_header};
use super::gzip::{ParallelGzip, Section};
use super::tree::{Content, Deflated, Node};
use crate::background_hash::BackgroundHash;
use crate::image::descriptor;
use crate::{BlobStore, DiffId, Digest, Error, Meter, PendingBlob, Result};

/// What decides the bytes of a layer besides its tree.
#[derive(Debug, Clone, Copy)]
pub struct LayerOptions {
    /// Modification time of every entry, in seconds since 1970. The default is
    /// 1980-01-01T00:00:01Z, which a zip file can hold too (docs/pitfalls.md#5).
    pub mtime: u64,
    /// Number of compression threads. Does not change the bytes.
    pub threads: usize,
}

impl LayerOptions {
    /// 1980-01-01T00:00:01Z, as buildpacks use it.
    pub const DEFAULT_MTIME: u64 = 315_532_801;
}

/// A layer in a store.
#[derive(Debug, Clone)]
pub struct WrittenLayer {
    /// Media type, digest and size of the blob.
    pub descriptor: Descriptor,
    /// Digest of the blob.
    pub digest: Digest,
    /// Digest of the uncompressed tar.
    pub diff_id: DiffId,
}

/// The smallest deflate stream that is copied, in bytes; for a shorter one a gzip member costs more
/// than copying saves. Part of the format.
const MIN_COPIED: u64 = 16 << 10;

/// A layer being written into a store.
pub(super) struct LayerWriter {
    out: Output,
    options: LayerOptions,
    /// Tar bytes written so far.
    size: u64,
}

enum Output {
    /// Digest and diff id are one, hashed once.
    Stored(PendingBlob),
    /// Gzip, and the hash of the tar.
    Gzip(Box<ParallelGzip<PendingBlob>>, BackgroundHash),
}

impl LayerWriter {
    pub(super) fn gzip(store: &BlobStore, options: LayerOptions) -> Result<Self> {
        let refused = Error::io("start a thread to write in", store.dir());
        let begun = ParallelGzip::new(store.begin()?, options.threads)
            .and_then(|gzip| Ok(Output::Gzip(Box::new(gzip), BackgroundHash::new()?)));
        Ok(Self { out: begun.map_err(refused)?, options, size: 0 })
    }

    pub(super) fn stored(store: &BlobStore, options: LayerOptions) -> Result<Self> {
        Ok(Self { out: Output::Stored(store.begin()?), options, size: 0 })
    }

    /// Tar bytes written so far.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Writes one entry.
    pub(super) fn entry(&mut self, path: &str, node: &Node, meter: &dyn Meter) -> Result<()> {
        write_entry(self, path, node, self.options.mtime, meter).map_err(pack(path))
    }

    /// Writes one entry, copying the deflate stream of a file that has one.
    pub(super) fn copy_entry(&mut self, path: &str, node: &Node, meter: &dyn Meter) -> Result<()> {
        match node {
            Node::File { content: Content::Deflated(deflated), size, .. }
                if deflated.length >= MIN_COPIED && *size <= u64::from(u32::MAX) =>
            {
                self.copy_deflated(path, node, deflated, *size, meter).map_err(pack(path))
            }
            _ => self.entry(path, node, meter),
        }
    }

    /// Ends a part of a gzip layer: its members can be copied into other layers.
    pub(super) fn end_part(&mut self) -> Result<()> {
        match &mut self.out {
            Output::Gzip(gzip, _) => gzip.end_part().map_err(pack("")),
            Output::Stored(_) => Ok(()),
        }
    }

    /// Copies the gzip members of a part with `size` bytes of tar from a file and verifies them.
    pub(super) fn copy_part(&mut self, members: Section, size: u64) -> io::Result<()> {
        let Output::Gzip(gzip, plain) = &mut self.out else {
            return Err(io::Error::other("a stored layer has no gzip members"));
        };
        let mut file = File::open(&members.file)?;
        file.seek(SeekFrom::Start(members.offset))?;
        let compressed = BufReader::with_capacity(256 << 10, file.take(members.length));
        let mut decoder = MultiGzDecoder::new(compressed);
        let mut buffer = vec![0; 256 << 10];
        let mut found = 0;
        loop {
            let n = decoder.read(&mut buffer)?;
            if n == 0 {
                break;
            }
            plain.update(&buffer[..n])?;
            found += n as u64;
        }
        if found != size {
            return Err(invalid(format!("a part of {size} bytes has {found}")));
        }
        self.size += size;
        gzip.copy_part(members)
    }

    /// Copies the deflate stream of a file; decompressed, it is verified and hashed.
    fn copy_deflated(
        &mut self,
        path: &str,
        node: &Node,
        deflated: &Deflated,
        size: u64,
        meter: &dyn Meter,
    ) -> io::Result<()> {
        let Node::File { content, .. } = node else { return Ok(()) };
        write_header(self, path, node, self.options.mtime)?;
        let Output::Gzip(gzip, plain) = &mut self.out else {
            return Err(io::Error::other("a stored layer has no gzip members"));
        };
        let mut check = Check { hash: plain, crc: Crc::new() };
        copy_exactly(content, size, &mut check, meter)?;
        let crc = check.crc;
        if crc.sum() != deflated.crc32 {
            return Err(invalid("its checksum is not the one in the archive".to_owned()));
        }
        self.size += size;
        let Deflated { file, offset, length, crc32, .. } = deflated;
        let section = Section { file: Arc::clone(file), offset: *offset, length: *length };
        gzip.copy_deflated(section, *crc32, crc.amount())?;
        pad(self, size)
    }

    /// Ends the tar and commits the blob. Returns the layer and the compressed length of each part.
    pub(super) fn finish(mut self) -> Result<(WrittenLayer, Vec<u64>)> {
        self.write_all(&END).map_err(pack(""))?;
        let (pending, lengths, diff_id, media_type) = match self.out {
            Output::Stored(pending) => (pending, Vec::new(), None, MediaType::ImageLayer),
            Output::Gzip(gzip, plain) => {
                let (diff_id, _) = plain.finish().map_err(pack(""))?;
                let (pending, lengths) = gzip.finish().map_err(pack(""))?;
                (pending, lengths, Some(diff_id), MediaType::ImageLayerGzip)
            }
        };
        let (digest, size) = pending.commit()?;
        let layer = WrittenLayer {
            descriptor: descriptor(media_type, digest, size),
            digest,
            diff_id: DiffId(diff_id.unwrap_or(digest)),
        };
        Ok((layer, lengths))
    }
}

impl Write for LayerWriter {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let n = match &mut self.out {
            Output::Stored(pending) => pending.write(buf)?,
            Output::Gzip(gzip, plain) => {
                let n = gzip.write(buf)?;
                plain.update(&buf[..n])?;
                n
            }
        };
        self.size += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Hashes bytes without keeping them.
struct Check<'a> {
    hash: &'a mut BackgroundHash,
    crc: Crc,
}

impl Write for Check<'_> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.hash.update(buf)?;
        self.crc.update(buf);
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Wraps an I/O error with the path of the entry; empty for the layer as a whole.
pub(super) fn pack(path: &str) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Pack { path, source }
}

fn invalid(reason: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}
