//! Decompresses a stored layer and verifies both of its digests.

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::MultiGzDecoder;
use oci_spec::image::MediaType;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use serde::{Deserialize, Serialize};

use crate::blob::{blob_error, named};
use crate::limits::LimitExceeded;
use crate::{BlobReader, DiffId, Digest, Error, HashingReader, Image, Layer, Result, Verified};

type Stored = BufReader<Verified<BlobReader>>;

/// How a layer's tar is stored, according to its first bytes: media types can be wrong.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// As it is.
    #[default]
    Tar,
    /// By gzip (RFC 1952).
    Gzip,
    /// By Zstandard (RFC 8878).
    Zstd,
}

impl Encoding {
    /// Returns the encoding of bytes that begin so.
    pub fn of(head: &[u8]) -> Self {
        match head {
            [0x1f, 0x8b, ..] => Self::Gzip,
            // A frame, or one to skip.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstd,
            _ => Self::Tar,
        }
    }

    /// Returns the media type of a layer that is stored so.
    pub fn media_type(self) -> MediaType {
        match self {
            Self::Tar => MediaType::ImageLayer,
            Self::Gzip => MediaType::ImageLayerGzip,
            Self::Zstd => MediaType::ImageLayerZstd,
        }
    }
}

enum Decoder {
    Plain(Box<Stored>),
    Gzip(Box<MultiGzDecoder<Stored>>),
    Zstd(Box<Zstd<Stored>>),
}

/// The uncompressed tar of a layer. [`LayerReader::finish`] verifies digest and diff id.
pub struct LayerReader {
    encoding: Encoding,
    decoder: HashingReader<Decoder>,
    digest: Digest,
    diff_id: DiffId,
    /// `layer 3 of oci:base`
    name: String,
}

impl LayerReader {
    /// Opens a layer of an image.
    ///
    /// # Errors
    /// Of the source of blobs.
    pub fn open(image: &Image, layer: &Layer) -> Result<Self> {
        let name = image.layer_name(&layer.digest);
        let blob = Verified::new(image.open(layer)?, layer.digest, layer.descriptor.size());
        let mut stored = BufReader::with_capacity(256 << 10, blob);
        let magic = stored.fill_buf().map_err(|error| damaged(&name, layer.digest, error))?;
        let encoding = Encoding::of(magic);
        let decoder = match encoding {
            Encoding::Gzip => Decoder::Gzip(Box::new(MultiGzDecoder::new(stored))),
            Encoding::Zstd => Decoder::Zstd(Box::new(Zstd::new(stored))),
            Encoding::Tar => Decoder::Plain(Box::new(stored)),
        };
        Ok(Self {
            encoding,
            decoder: HashingReader::new(decoder),
            digest: layer.digest,
            diff_id: layer.diff_id,
            name,
        })
    }

    /// How it is stored.
    pub fn encoding(&self) -> Encoding {
        self.encoding
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
            Self::Plain(stored) => *stored,
            Self::Gzip(gzip) => gzip.into_inner(),
            Self::Zstd(zstd) => zstd.stored,
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

/// A sequence of Zstandard frames, and of frames without content between them, which are skipped: zstd:chunked
/// and pzstd put their own data there (RFC 8878, 3.1 and 3.1.2).
pub(crate) struct Zstd<R> {
    frame: FrameDecoder,
    /// Whether `frame` is one of the stream.
    begun: bool,
    stored: R,
}

impl<R: BufRead> Zstd<R> {
    pub(crate) fn new(stored: R) -> Self {
        Self { frame: FrameDecoder::new(), begun: false, stored }
    }

    /// Begins the next frame; false at the end.
    fn begin(&mut self) -> io::Result<bool> {
        while !self.stored.fill_buf()?.is_empty() {
            match self.frame.init(&mut self.stored) {
                Ok(()) => {
                    self.begun = true;
                    return Ok(true);
                }
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    let length = u64::from(length);
                    let skipped =
                        io::copy(&mut self.stored.by_ref().take(length), &mut io::sink())?;
                    if skipped < length {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
                Err(error) => return Err(invalid(&error)),
            }
        }
        Ok(false)
    }
}

impl<R: BufRead> Read for Zstd<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        loop {
            while self.begun && self.frame.can_collect() == 0 && !self.frame.is_finished() {
                let one = BlockDecodingStrategy::UptoBlocks(1);
                self.frame.decode_blocks(&mut self.stored, one).map_err(|error| invalid(&error))?;
            }
            if self.begun && self.frame.can_collect() > 0 {
                return self.frame.read(buf);
            }
            self.begun = false;
            if !self.begin()? {
                return Ok(0);
            }
        }
    }
}

fn invalid(error: &FrameDecoderError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error.to_string())
}

#[cfg(test)]
mod tests {
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    use super::*;

    fn read(stored: &[u8]) -> io::Result<Vec<u8>> {
        let mut read = Vec::new();
        let mut zstd = Zstd::new(stored);
        zstd.read_to_end(&mut read).map(|_| read)
    }

    #[test]
    fn frames_without_content_are_skipped() {
        let frame = |text: &[u8]| compress_to_vec(text, CompressionLevel::Fastest);
        let skipped = |nibble: u8, length: u32, content: &[u8]| {
            let magic = [0x50 | nibble, 0x2a, 0x4d, 0x18];
            [&magic[..], &length.to_le_bytes(), content].concat()
        };
        let long = vec![b'x'; 300_000];
        let stream = [
            skipped(0xe, 3, b"toc"),
            frame(b"one "),
            frame(b""),
            skipped(0, 0, b""),
            frame(&long),
            skipped(3, 4, b"last"),
        ];
        assert_eq!(read(&stream.concat()).unwrap(), [b"one ", &long[..]].concat());
        assert_eq!(read(&skipped(1, 3, b"toc")).unwrap(), b"");
        for damaged in [skipped(1, 9, b"short"), b"\x50\x2a\x4d".to_vec(), b"no frame".to_vec()] {
            assert!(read(&damaged).is_err(), "{damaged:?}");
        }
    }
}
