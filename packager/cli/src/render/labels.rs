//! Tags and properties.

use std::collections::BTreeMap;

/// Formats tags or properties on one line; `None` if there are none.
pub(super) fn labels(labels: &BTreeMap<String, String>) -> Option<String> {
    let pairs = labels.iter().map(|(key, value)| format!("{key}={value}"));
    (!labels.is_empty()).then(|| pairs.collect::<Vec<_>>().join(", "))
}
