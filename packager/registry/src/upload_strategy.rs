//! The three ways to send a blob, and which to try when a registry refuses one.

use std::fmt;
use std::str::FromStr;

/// The first chunk size that is tried, in bytes; Azure Container Registry takes 4 to 16 MiB.
const FIRST_CHUNK: u64 = 16 << 20;

/// No registry requires smaller chunks than this, in bytes.
const LEAST_CHUNK: u64 = 1 << 20;

/// Blobs up to this size go in one PUT: it saves a request, and every registry takes it.
pub(crate) const SMALL: u64 = 4 << 20;

/// Blobs larger than this, in bytes, go in chunks unless the caller or the registry decides otherwise.
const LARGE: u64 = 256 << 20;

/// The chunk that is tried first for a large blob, in bytes.
const LARGE_CHUNK: u64 = 64 << 20;

/// A way to send a blob (distribution-spec, "Pushing blobs").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UploadStrategy {
    /// One PATCH of unknown length, then PUT: what Docker does, so every registry takes it.
    Stream,
    /// PATCHes of this many bytes with `Content-Range`, then PUT.
    Chunks(u64),
    /// One PUT with `Content-Length`.
    Whole,
}

impl UploadStrategy {
    /// Returns how to send a blob of this size, in bytes, to a registry that nothing is known about.
    ///
    /// A large blob goes in chunks so that a push that was killed can continue: after each chunk the
    /// address and the offset are saved. At most the broken chunk is sent again if the registry
    /// drops its bytes, or never saw them because a proxy only forwards whole requests.
    /// distribution 2.8 keeps the bytes of a broken request, compares the length with the one signed
    /// into the last address, and answers 404 from then on, so that there a blob killed in mid-chunk
    /// starts from scratch, as after a broken stream.
    ///
    /// Cost: 512 MiB to distribution 2.8 on loopback took 4.0 s in chunks and 3.8 s in one request
    /// (medians of five; both 3.6 s at best). A registry that refuses chunks of this size costs one
    /// more request and is remembered.
    pub(crate) fn first(size: u64) -> Self {
        if size > LARGE { Self::Chunks(LARGE_CHUNK) } else { Self::Stream }
    }

    /// Returns what to try after `status` refused this, or `None` if nothing is left; `least` is the
    /// registry's `OCI-Chunk-Min-Length`.
    pub(crate) fn after(self, status: u16, least: u64, tried: &[Self]) -> Option<Self> {
        let least = least.max(LEAST_CHUNK);
        let too_large = matches!(status, 413 | 416);
        let smaller = |size: u64| too_large && size / 2 >= least;
        let candidates = match self {
            Self::Stream if too_large => vec![Self::Chunks(FIRST_CHUNK.max(least)), Self::Whole],
            Self::Stream => vec![Self::Whole, Self::Chunks(FIRST_CHUNK.max(least))],
            Self::Whole => vec![Self::Chunks(FIRST_CHUNK.max(least)), Self::Stream],
            // Registries with a low limit take a stream of any length, or no chunks at all.
            Self::Chunks(size) if size > FIRST_CHUNK && smaller(size) => {
                vec![Self::Stream, Self::Chunks(size / 2)]
            }
            Self::Chunks(size) if size > FIRST_CHUNK => vec![Self::Stream, Self::Whole],
            Self::Chunks(size) if smaller(size) => vec![Self::Chunks(size / 2)],
            Self::Chunks(_) => vec![Self::Whole, Self::Stream],
        };
        candidates.into_iter().find(|strategy| !tried.contains(strategy))
    }

    /// Returns whether a refusal with this status is about the way of sending rather than the blob.
    pub(crate) fn is_refused_by(status: u16) -> bool {
        matches!(status, 400 | 405 | 411 | 413 | 415 | 416 | 501)
    }
}

impl fmt::Display for UploadStrategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stream => f.write_str("stream"),
            Self::Chunks(size) => write!(f, "chunks {size}"),
            Self::Whole => f.write_str("whole"),
        }
    }
}

impl FromStr for UploadStrategy {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text.split_once(' ') {
            None if text == "stream" => Ok(Self::Stream),
            None if text == "whole" => Ok(Self::Whole),
            Some(("chunks", size)) => {
                size.parse().ok().filter(|size| *size > 0).map(Self::Chunks).ok_or(())
            }
            _ => Err(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_back_what_it_parses() {
        for strategy in [UploadStrategy::Stream, UploadStrategy::Whole, UploadStrategy::Chunks(5)] {
            assert_eq!(strategy.to_string().parse(), Ok(strategy));
        }
        for bad in ["", "chunks", "chunks 0", "chunks x", "whole 3"] {
            assert_eq!(bad.parse::<UploadStrategy>(), Err(()));
        }
    }

    #[test]
    fn chunks_shrink_to_the_minimum_before_another_strategy_is_tried() {
        let mut tried = vec![UploadStrategy::Stream];
        while let Some(next) = tried.last().unwrap().after(416, 0, &tried) {
            tried.push(next);
        }
        let mib = |n: u64| UploadStrategy::Chunks(n << 20);
        assert_eq!(
            tried,
            [
                UploadStrategy::Stream,
                mib(16),
                mib(8),
                mib(4),
                mib(2),
                mib(1),
                UploadStrategy::Whole
            ]
        );
        assert_eq!(
            UploadStrategy::Stream.after(413, 20 << 20, &[UploadStrategy::Stream]),
            Some(mib(20))
        );
        assert_eq!(
            mib(8).after(416, 5 << 20, &[UploadStrategy::Stream, mib(8)]),
            Some(UploadStrategy::Whole)
        );
        assert_eq!(
            UploadStrategy::Stream.after(411, 0, &[UploadStrategy::Stream]),
            Some(UploadStrategy::Whole)
        );
    }

    #[test]
    fn large_blobs_start_in_chunks_and_fall_back_to_a_stream() {
        let mib = |n: u64| UploadStrategy::Chunks(n << 20);
        assert_eq!(UploadStrategy::first(256 << 20), UploadStrategy::Stream);
        assert_eq!(UploadStrategy::first((256 << 20) + 1), mib(64));
        for status in [400, 405, 413, 416] {
            assert_eq!(mib(64).after(status, 0, &[mib(64)]), Some(UploadStrategy::Stream));
        }
        let tried = [mib(64), UploadStrategy::Stream];
        assert_eq!(UploadStrategy::Stream.after(413, 0, &tried), Some(mib(16)));
        assert_eq!(mib(64).after(413, 0, &tried), Some(mib(32)));
        assert_eq!(mib(64).after(400, 0, &tried), Some(UploadStrategy::Whole));
        assert_eq!(mib(16).after(413, 0, &[mib(16)]), Some(mib(8)));
    }
}
