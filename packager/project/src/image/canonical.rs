//! Documents of the new image as bytes that do not change from run to run.

use serde::Serialize;

use crate::{Error, Result};

/// Returns JSON with sorted keys: the types contain hash maps, whose order is random.
pub(super) fn canonical(value: &impl Serialize) -> Result<Vec<u8>> {
    let value = serde_json::to_value(value).map_err(|error| invalid("manifest", &error))?;
    serde_json::to_vec(&sorted(value)).map_err(|error| invalid("manifest", &error))
}

fn sorted(value: serde_json::Value) -> serde_json::Value {
    match value {
        serde_json::Value::Object(map) => {
            let mut entries: Vec<_> = map.into_iter().collect();
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            entries.into_iter().map(|(key, value)| (key, sorted(value))).collect()
        }
        serde_json::Value::Array(list) => list.into_iter().map(sorted).collect(),
        other => other,
    }
}

/// Returns the error of a part of the new image that is not valid.
pub(super) fn invalid(what: &'static str, error: &dyn std::fmt::Display) -> Error {
    Error::Data { what, name: "the new image".to_owned(), reason: error.to_string() }
}
