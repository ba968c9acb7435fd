//! An exact conda package.

use mlpack_oci::Digest;

/// One exact conda package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CondaPackage {
    /// Name, in lower case.
    pub name: String,
    /// Version.
    pub version: String,
    /// Build string, `py36h1234567_0`.
    pub build: String,
    /// `linux-64`, `linux-aarch64` or `noarch`.
    pub subdir: String,
    /// The channel's address without user, password or token.
    pub channel: String,
    /// The archive's address without user, password or token.
    pub url: String,
    /// Of the archive (`.conda` or `.tar.bz2`).
    pub sha256: Digest,
    /// In bytes, where the channel gives it.
    pub size: Option<u64>,
}
