//! The differences that are accepted, by the name of their row in README.md.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use super::cases::Case;

/// Returns the names of the rows that concern a version of Azure's server.
pub(crate) fn documented(version: &str) -> BTreeSet<&'static str> {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let text: &'static str = std::fs::read_to_string(readme).unwrap().leak();
    let rows = text.lines().filter_map(|line| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let name = cells.get(1)?.strip_prefix("`=")?.strip_suffix('`')?;
        cells.get(2)?.contains(version).then_some(name)
    });
    rows.collect()
}

/// Sorts the members of objects and removes the prose of a description, which is in our words.
pub(crate) fn normalize(json: &mut Value) {
    match json {
        Value::Object(members) => {
            members.retain(|name, value| name != "description" || !value.is_string());
            members.sort_keys();
            members.values_mut().for_each(normalize);
        }
        Value::Array(items) => items.iter_mut().for_each(normalize),
        _ => {}
    }
}

/// Returns the name of a difference.
pub(crate) fn name(
    version: &str,
    case: &Case,
    field: &str,
    theirs: Option<&String>,
    ours: Option<&String>,
) -> Option<&'static str> {
    let is_message = |text: Option<&String>| {
        let json = serde_json::from_str::<Value>(text?).ok()?;
        json.get("message").map(|_| ())
    };
    let is_old = version == "0.7.7";
    let has_origin = case.headers.iter().any(|(name, _)| *name == "Origin");
    let is_form = case.headers.iter().any(|(_, value)| value.contains("form"));
    match field {
        "x-ms-server-version" => Some("server-version"),
        "access-control-allow-origin" | "vary" if !has_origin => Some("cors-without-origin"),
        "access-control-allow-headers" => Some("preflight"),
        "allow" if theirs.is_none() => Some("preflight"),
        "x-request-id" | "x-ms-request-id" if theirs.is_none() => Some("identifiers"),
        "status" | "body" if case.body == b"\xff" => Some("not-utf-8"),
        "body" if is_message(theirs).and(is_message(ours)).is_some() => Some("messages"),
        "status" | "body" | "content-type" if is_old && case.path.ends_with("version=3.1") => {
            Some("swagger-3.1")
        }
        "body" if is_message(ours).is_some() => is_old.then_some("error-format"),
        "content-type" if is_old => Some("error-format"),
        "body" if theirs.is_some_and(|text| text.contains("\"status_code\"")) => {
            Some("swagger-error")
        }
        "x-ms-run-function-failed" if is_old => Some("failed-500"),
        "body" if case.headers.iter().any(|(name, _)| name.contains('_')) => Some("underscores"),
        "body" if is_form => Some("form"),
        "body" if case.path.contains("%FF") => Some("query-not-utf-8"),
        "body" if case.path.contains("what=type") => Some("request-type"),
        _ => None,
    }
}
