//! Findings as a SARIF log (OASIS, "Static Analysis Results Interchange Format 2.1.0").

use std::collections::BTreeSet;
use std::path::Path;

use mlpack_project::check::{Finding, Severity};
use serde_json::{Value, json};
use url::Url;

use crate::foreign::without_secrets;

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// Returns the text of a log. Files below `root` are named relative to it, as a repository's viewer
/// wants them.
pub(crate) fn log(findings: &[Finding], root: &Path) -> Vec<u8> {
    let rules: BTreeSet<&str> = findings.iter().map(|finding| finding.check).collect();
    let rules: Vec<Value> = rules.into_iter().map(|id| json!({ "id": id })).collect();
    let results: Vec<Value> = findings.iter().map(|finding| result(finding, root)).collect();
    let driver = json!({ "name": "mlpack", "version": env!("CARGO_PKG_VERSION"), "rules": rules });
    let log = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{ "tool": { "driver": driver }, "results": results }],
    });
    serde_json::to_vec_pretty(&log).unwrap_or_default()
}

fn result(finding: &Finding, root: &Path) -> Value {
    let level = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let text = without_secrets(&format!("{}\nhint: {}", finding.message, finding.hint)).to_string();
    let mut result = json!({
        "ruleId": finding.check,
        "level": level,
        "message": { "text": text },
    });
    if let Some((path, line)) = &finding.place {
        let mut location = json!({ "artifactLocation": { "uri": uri(path, root) } });
        if *line > 0 {
            location["region"] = json!({ "startLine": line });
        }
        result["locations"] = json!([{ "physicalLocation": location }]);
    }
    result
}

/// A reference below the root, else an absolute address.
fn uri(path: &Path, root: &Path) -> String {
    let absolute = |path: &Path| Url::from_file_path(path).ok();
    let full = root.join(path);
    let below = Url::from_directory_path(root).ok().zip(absolute(&full));
    let below = below.and_then(|(root, full)| root.make_relative(&full));
    let below = below.filter(|text| !text.starts_with(".."));
    below.or_else(|| Some(absolute(&full)?.into())).unwrap_or_else(|| path.display().to_string())
}
