//! What a deployment would change.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Map, Value};

/// A difference between what runs and what a deployment describes. Serialised for scripts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The object and the field, as in `Deployment/digits .spec.replicas`; an object alone is created or deleted.
    pub field: String,
    /// What is there now; `None` if nothing is.
    pub from: Option<String>,
    /// What would be there; `None` if nothing would.
    pub to: Option<String>,
}

/// What a secret is shown as.
const HIDDEN: &str = "(hidden)";

impl Change {
    /// Returns the differences between two versions of an object, field by field. Values below one of `hidden` are not
    /// shown.
    pub(crate) fn between(object: &str, from: &Value, to: &Value, hidden: &[&str]) -> Vec<Self> {
        let mut found = Vec::new();
        compare(&mut found, object, "", from, to, hidden);
        found
    }
}

fn compare(
    found: &mut Vec<Change>,
    object: &str,
    path: &str,
    from: &Value,
    to: &Value,
    hidden: &[&str],
) {
    if from == to {
        return;
    }
    match (from, to) {
        (Value::Object(before), Value::Object(after)) => {
            // In order, whatever the order in which the target returns them.
            let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
            let value =
                |map: &Map<String, Value>, key: &str| map.get(key).cloned().unwrap_or_default();
            for key in keys {
                let (from, to) = (value(before, key), value(after, key));
                compare(found, object, &joined(path, key), &from, &to, hidden);
            }
        }
        (Value::Array(before), Value::Array(after)) if before.len() == after.len() => {
            for (number, (before, after)) in before.iter().zip(after).enumerate() {
                compare(found, object, &format!("{path}[{number}]"), before, after, hidden);
            }
        }
        _ => {
            let is_hidden = hidden.iter().any(|prefix| path.starts_with(prefix));
            let text = |value: &Value| match value {
                Value::Null => None,
                _ if is_hidden => Some(HIDDEN.to_owned()),
                Value::String(text) => Some(text.clone()),
                other => Some(other.to_string()),
            };
            let field = format!("{object} {path}").trim_end().to_owned();
            found.push(Change { field, from: text(from), to: text(to) });
        }
    }
}

/// Returns the path of a member; one whose name has a dot is in brackets.
fn joined(path: &str, key: &str) -> String {
    match key.contains(['.', '/']) {
        true => format!("{path}[{key}]"),
        false => format!("{path}.{key}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_field_that_differs_is_named() {
        let before = json!({ "spec": { "replicas": 1, "same": [1, 2], "list": ["a"] }, "data": { "k": "old" } });
        let after = json!({ "spec": { "replicas": 3, "same": [1, 2], "list": ["a", "b"], "a.b/c": true }, "data": { "k": "new" } });
        let found = Change::between("Thing/x", &before, &after, &[".data"]);
        let change = |field: &str, from: Option<&str>, to: Option<&str>| Change {
            field: field.to_owned(),
            from: from.map(str::to_owned),
            to: to.map(str::to_owned),
        };
        assert_eq!(
            found,
            [
                change("Thing/x .data.k", Some(HIDDEN), Some(HIDDEN)),
                change("Thing/x .spec[a.b/c]", None, Some("true")),
                change("Thing/x .spec.list", Some("[\"a\"]"), Some("[\"a\",\"b\"]")),
                change("Thing/x .spec.replicas", Some("1"), Some("3")),
            ]
        );
        assert_eq!(Change::between("Thing/x", &before, &before, &[]), []);
    }
}
