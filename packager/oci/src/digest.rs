//! Digests of stored bytes, of an uncompressed layer and of a config: three types with one format.

use std::fmt;
use std::io::{self, Read, Write};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

/// SHA-256 of bytes as they are stored and sent (image-spec descriptor.md, "Digests").
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

/// An invalid digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` is not a SHA-256 digest; expected `sha256:` and 64 lower-case hex digits")]
pub struct DigestParseError {
    /// The text as given.
    pub found: String,
}

impl Digest {
    /// Returns the digest of bytes in memory.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Wraps a SHA-256 hash that was computed elsewhere.
    pub fn from_sha256(hash: [u8; 32]) -> Self {
        Self(hash)
    }

    /// Parses the 64 lower-case hex digits of a SHA-256 hash, without the algorithm.
    ///
    /// # Errors
    /// [`DigestParseError`].
    pub fn from_hex(hex: &str) -> Result<Self, DigestParseError> {
        let error = || DigestParseError { found: hex.to_owned() };
        let nibble = |c: u8| match c {
            b'0'..=b'9' => Ok(c - b'0'),
            b'a'..=b'f' => Ok(c - b'a' + 10),
            _ => Err(error()),
        };
        if hex.len() != 64 {
            return Err(error());
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(hex.as_bytes().chunks_exact(2)) {
            *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
        }
        Ok(Self(bytes))
    }

    pub(crate) fn from_hash(hash: Sha256) -> Self {
        Self(hash.finalize().into())
    }

    /// Returns the 64 hex digits without the algorithm, the file name of a blob in a layout.
    pub fn hex(&self) -> String {
        use fmt::Write as _;
        let mut text = String::with_capacity(64);
        for byte in self.0 {
            let _ = write!(text, "{byte:02x}");
        }
        text
    }

    /// Returns the first 12 hex digits, for display.
    pub fn short(&self) -> String {
        self.hex()[..12].to_owned()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", self.hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = DigestParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || DigestParseError { found: text.to_owned() };
        let hex = text.strip_prefix("sha256:").ok_or_else(error)?;
        Self::from_hex(hex).map_err(|_| error())
    }
}

impl TryFrom<&oci_spec::image::Digest> for Digest {
    type Error = DigestParseError;

    fn try_from(digest: &oci_spec::image::Digest) -> Result<Self, Self::Error> {
        digest.to_string().parse()
    }
}

impl From<Digest> for oci_spec::image::Digest {
    fn from(digest: Digest) -> Self {
        #[allow(clippy::unwrap_used, reason = "64 hex digits are always a valid SHA-256")]
        oci_spec::image::Sha256Digest::from_str(&digest.hex()).unwrap().into()
    }
}

macro_rules! digest_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub Digest);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
        impl FromStr for $name {
            type Err = DigestParseError;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
        serde_as_text!($name);
    };
}

macro_rules! serde_as_text {
    ($name:ident) => {
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

serde_as_text!(Digest);
digest_type! {
    /// SHA-256 of a layer's *uncompressed* tar (image-spec config.md, "Layer DiffID").
    DiffId
}
digest_type! {
    /// SHA-256 of an image's config blob; Docker calls it the image's id
    /// (image-spec config.md, "ImageID").
    ImageId
}

/// Counts and hashes written bytes.
pub struct HashingWriter<W> {
    inner: W,
    hash: Sha256,
    size: u64,
}

impl<W> HashingWriter<W> {
    /// Forwards writes to `inner`.
    pub fn new(inner: W) -> Self {
        Self { inner, hash: Sha256::new(), size: 0 }
    }

    /// Returns the inner writer, the digest and the number of bytes written.
    pub fn finish(self) -> (W, Digest, u64) {
        (self.inner, Digest(self.hash.finalize().into()), self.size)
    }
}

impl<W: Write> Write for HashingWriter<W> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let n = self.inner.write(buf)?;
        self.hash.update(&buf[..n]);
        self.size += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Counts and hashes read bytes.
pub struct HashingReader<R> {
    inner: R,
    hash: Sha256,
    size: u64,
}

impl<R> HashingReader<R> {
    /// Forwards reads to `inner`.
    pub fn new(inner: R) -> Self {
        Self { inner, hash: Sha256::new(), size: 0 }
    }

    /// Returns the inner reader and the digest of the bytes read.
    pub fn finish(self) -> (R, Digest) {
        (self.inner, Digest(self.hash.finalize().into()))
    }

    /// Returns the digest of the bytes read so far; reading can continue.
    pub fn digest(&self) -> Digest {
        Digest(self.hash.clone().finalize().into())
    }

    /// Returns the number of bytes read so far.
    pub fn size(&self) -> u64 {
        self.size
    }
}

impl<R: Read> Read for HashingReader<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        self.hash.update(&buf[..n]);
        self.size += n as u64;
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_printed_as_it_was_parsed() {
        let text = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(Digest::of(b"").to_string(), text);
        assert_eq!(text.parse::<Digest>().unwrap(), Digest::of(b""));
        assert_eq!(Digest::from_hex(&Digest::of(b"").hex()).unwrap(), Digest::of(b""));
        assert_eq!(Digest::from_sha256(Sha256::digest(b"").into()), Digest::of(b""));
        let json = serde_json::to_string(&DiffId(Digest::of(b""))).unwrap();
        assert_eq!(serde_json::from_str::<DiffId>(&json).unwrap().to_string(), text);
    }

    #[test]
    fn other_algorithms_lengths_and_cases_are_refused() {
        for bad in ["", "sha256:", "sha512:00", "sha256:E3", &format!("sha256:{}", "g".repeat(64))]
        {
            assert_eq!(bad.parse::<Digest>().unwrap_err().found, bad);
        }
    }

    #[test]
    fn streamed_and_whole_hashes_are_equal() {
        let mut writer = HashingWriter::new(Vec::new());
        writer.write_all(b"two ").unwrap();
        writer.write_all(b"parts").unwrap();
        let (bytes, digest, size) = writer.finish();
        assert_eq!((digest, size), (Digest::of(&bytes), 9));
        let mut reader = HashingReader::new(&bytes[..]);
        io::copy(&mut reader, &mut io::sink()).unwrap();
        assert_eq!((reader.digest(), reader.size()), (digest, size));
    }
}
