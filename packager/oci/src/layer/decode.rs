//! Decompresses a stored layer and verifies both of its digests.

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::MultiGzDecoder;
use ruzstd::decoding::StreamingDecoder;

use crate::blob::{blob_error, named};
use crate::limits::LimitExceeded;
use crate::{BlobReader, DiffId, Digest, Error, HashingReader, Image, Layer, Result, Verified};

type Stored = BufReader<Verified<BlobReader>>;

enum Decoder {
    Plain(Stored),
    Gzip(Box<MultiGzDecoder<Stored>>),
    Zstd(Zstd),
}

/// The uncompressed tar of a layer. [`LayerReader::finish`] verifies digest and diff id.
pub struct LayerReader {
    decoder: HashingReader<Decoder>,
    digest: Digest,
    diff_id: DiffId,
    /// `layer 3 of oci:base`
    name: String,
}

impl LayerReader {
    /// Opens a layer of an image. The first bytes decide the compression, since media types can be
    /// wrong.
    ///
    /// # Errors
    /// Of the source of blobs.
    pub fn open(image: &Image, layer: &Layer) -> Result<Self> {
        let name = image.layer_name(&layer.digest);
        let blob = Verified::new(image.open(layer)?, layer.digest, layer.descriptor.size());
        let mut stored = BufReader::with_capacity(256 << 10, blob);
        let magic = stored.fill_buf().map_err(|error| damaged(&name, layer.digest, error))?;
        let decoder = match magic {
            [0x1f, 0x8b, ..] => Decoder::Gzip(Box::new(MultiGzDecoder::new(stored))),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Decoder::Zstd(Zstd { frame: None, rest: Some(stored) }),
            _ => Decoder::Plain(stored),
        };
        Ok(Self {
            decoder: HashingReader::new(decoder),
            digest: layer.digest,
            diff_id: layer.diff_id,
            name,
        })
    }

    /// Converts an error of reading this layer into one that names it.
    pub fn damaged(&self, error: io::Error) -> Error {
        damaged(&self.name, self.digest, error)
    }

    /// Reads the rest and verifies size, digest and diff id.
    ///
    /// # Errors
    /// The mismatch, or [`Error::LayerDamaged`].
    pub fn finish(mut self) -> Result<()> {
        io::copy(&mut self.decoder, &mut io::sink())
            .map_err(|error| damaged(&self.name, self.digest, error))?;
        let (decoder, found) = self.decoder.finish();
        decoder.drain().map_err(|error| damaged(&self.name, self.digest, error))?;
        if found != self.diff_id.0 {
            return Err(Error::DigestMismatch {
                what: format!("uncompressed {}", self.name),
                expected: self.diff_id.0,
                found,
            });
        }
        Ok(())
    }
}

fn damaged(name: &str, digest: Digest, error: io::Error) -> Error {
    let name = name.to_owned();
    if let Some(limit) = LimitExceeded::of(&error) {
        return Error::TooLarge { name, digest, limit };
    }
    match blob_error(digest, error) {
        Error::BlobRead { digest, source } => {
            Error::LayerDamaged { name, digest, reason: source.to_string() }
        }
        own => named(name, own),
    }
}

impl Read for LayerReader {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.decoder.read(buf)
    }
}

impl Decoder {
    /// Reads the stored bytes after the compressed stream, so that the blob's digest is verified.
    fn drain(self) -> io::Result<()> {
        let mut stored = match self {
            Self::Plain(stored) => stored,
            Self::Gzip(gzip) => gzip.into_inner(),
            Self::Zstd(zstd) => match (zstd.rest, zstd.frame) {
                (Some(stored), _) => stored,
                (None, Some(frame)) => frame.into_inner(),
                (None, None) => return Ok(()),
            },
        };
        io::copy(&mut stored, &mut io::sink()).map(drop)
    }
}

impl Read for Decoder {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stored) => stored.read(buf),
            Self::Gzip(gzip) => gzip.read(buf),
            Self::Zstd(zstd) => zstd.read(buf),
        }
    }
}

/// A sequence of Zstandard frames (RFC 8878, 3.1: a stream may contain several).
struct Zstd {
    frame: Option<Box<StreamingDecoder<Stored, ruzstd::decoding::FrameDecoder>>>,
    rest: Option<Stored>,
}

impl Read for Zstd {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some(frame) = &mut self.frame {
                let n = frame.read(buf)?;
                if n > 0 || buf.is_empty() {
                    return Ok(n);
                }
                self.rest = self.frame.take().map(|frame| frame.into_inner());
            }
            let Some(mut rest) = self.rest.take() else { return Ok(0) };
            if rest.fill_buf()?.is_empty() {
                self.rest = Some(rest);
                return Ok(0);
            }
            let frame = StreamingDecoder::new(rest)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string()))?;
            self.frame = Some(Box::new(frame));
        }
    }
}
