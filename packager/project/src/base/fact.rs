//! A value read from a base image and the place it was read from.

use mlpack_oci::Digest;
use serde::{Deserialize, Serialize};

/// Where a fact was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Digest of the layer, or of the config.
    pub digest: Digest,
    /// Absolute path in the image, or `config` and the field.
    pub path: String,
}

/// A value and its evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fact<T> {
    /// What was read.
    pub value: T,
    /// Where.
    pub evidence: Evidence,
}
