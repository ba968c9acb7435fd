//! Serialising secrets: their existence is visible, their text is not.

use std::collections::BTreeMap;

use mlpack_oci::Secret;
use serde::{Serialize, Serializer};

/// The replacement of a secret.
const STARS: &str = "***";

/// A secret.
pub(super) fn secret<S: Serializer>(_: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(STARS)
}

/// A secret that may be missing.
pub(super) fn optional<S: Serializer>(
    secret: &Option<Secret>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    secret.as_ref().map(|_| STARS).serialize(serializer)
}

/// Secrets by name.
pub(super) fn named<S: Serializer>(
    secrets: &BTreeMap<String, Secret>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(secrets.keys().map(|name| (name, STARS)))
}
