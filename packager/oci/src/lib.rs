//! What an image is, on disk: digests, layers, manifests, layouts and archives.
//!
//! Tier 0 of mlpack: no network, no clock, no environment. Every source of images ([`layout`],
//! [`archive`], and the crates for registries and the Docker engine) returns an [`Image`], whose
//! blobs are read through [`Blobs`]; every sink accepts one.

pub mod archive;
mod artifact;
mod background_hash;
mod blob;
mod bounded_tar;
mod caching;
mod digest;
mod error;
mod image;
mod io_error;
pub mod labels;
pub mod layer;
pub mod layout;
pub mod limits;
mod parallel;
mod pax;
pub mod pending;
mod platform;
mod progress;
mod reference;
mod reference_text;
pub mod rootfs;
mod secret;
mod sink;
mod store;

pub use artifact::Artifact;
pub use blob::{BlobReader, Blobs, Origin, Verified, read_small};
pub use bounded_tar::BoundedTar;
pub use caching::CachingBlobs;
pub use digest::{DiffId, Digest, DigestParseError, HashingReader, HashingWriter, ImageId};
pub use error::{Error, Result};
pub use image::{
    Choice, Image, Layer, MAX_INDEXES, MAX_MANIFEST_SIZE, choose_platform, descriptor, is_index,
};
pub use io_error::{IoError, io_hint};
pub use oci_spec::image as spec;
pub use parallel::in_parallel;
pub use platform::Platform;
pub use progress::{Meter, Progress, Silent};
pub use reference::{Location, LocationParseError, PinnedReference, Reference};
pub use secret::Secret;
pub use store::{BlobStore, PendingBlob};

/// Version of everything that decides the bytes of a layer: tar headers, gzip member size and level.
/// Part of every cache key of stored bytes; `tests/pinned.rs` fails if the bytes change.
pub const FORMAT_VERSION: u32 = 3;
