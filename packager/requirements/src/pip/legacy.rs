//! Requirements in metadata from before PEP 440, as pip read them until its release 24.1.

use std::str::FromStr as _;

use pep440_rs::{Version, VersionSpecifier, VersionSpecifiers};

use super::requirement;
use crate::PythonVersion;

/// Comparisons, each before those that it begins with.
const OPERATORS: [&str; 8] = ["===", "~=", "==", "!=", ">=", "<=", ">", "<"];

/// Returns a line of `Requires-Dist` as PEP 508 has it: itself, or with clauses that mean the same to every version of PEP
/// 440. `None` if there are none.
pub fn repair_requirement(line: &str) -> Option<String> {
    let is_valid = |text: &str| requirement::parse(text).is_ok();
    if is_valid(line) {
        return Some(line.to_owned());
    }
    let (head, marker) = match line.split_once(';') {
        Some((head, marker)) => (head, format!("; {}", marker.trim())),
        None => (line, String::new()),
    };
    let end = head.find(['(', '<', '>', '=', '!', '~', '@']).unwrap_or(head.len());
    let (name, clauses) = head.split_at(end);
    let clauses = clauses.trim().trim_start_matches('(').trim_end_matches(')');
    let repaired = format!("{}{}{marker}", name.trim(), repair_specifiers(clauses)?);
    is_valid(&repaired).then_some(repaired)
}

/// Returns the clauses of a specifier as PEP 440 has them. `None` if one cannot be said.
pub fn repair_specifiers(clauses: &str) -> Option<String> {
    if VersionSpecifiers::from_str(clauses).is_ok() {
        return Some(clauses.to_owned());
    }
    let clauses = clauses.split(',').map(str::trim).filter(|clause| !clause.is_empty());
    let repaired: Vec<String> = clauses.map(clause).collect::<Option<_>>()?;
    let kept: Vec<String> = repaired.into_iter().filter(|clause| !clause.is_empty()).collect();
    Some(kept.join(","))
}

/// Repairs one clause; empty if every version meets it.
///
/// pip compared such a version part by part, a word before any number and after the end (`packaging` before release 22,
/// `LegacyVersion`): 2011 < 2011k < 2011.1 < 2012.
fn clause(text: &str) -> Option<String> {
    let is_valid = |text: &str| VersionSpecifier::from_str(text).is_ok();
    if is_valid(text) {
        return Some(text.to_owned());
    }
    let operator = OPERATORS.into_iter().find(|operator| text.starts_with(operator))?;
    let version = text[operator.len()..].trim();
    let is_order = matches!(operator, ">=" | ">" | "<=" | "<");
    if let Some(version) = version.strip_suffix(".*").filter(|_| is_order) {
        return Some(format!("{operator}{version}")).filter(|clause| is_valid(clause));
    }
    let end = version.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(version.len());
    let number = version[..end].trim_end_matches('.');
    match operator {
        "!=" => Some(String::new()),
        // A word alone is before every number.
        ">=" | ">" if number.is_empty() => Some(String::new()),
        ">=" | ">" => Some(format!(">{number}")),
        "<=" | "<" if !number.is_empty() => Some(format!("<={number}")),
        _ => None,
    }
    .filter(|clause| clause.is_empty() || is_valid(clause))
}

/// Whether a release is for a Python by its `Requires-Python` (PyPA, "Core metadata"). What cannot be read was no reason for
/// pip either.
pub fn admits_python(required: &str, python: PythonVersion) -> bool {
    let required = repair_specifiers(required);
    let required = required.and_then(|text| VersionSpecifiers::from_str(&text).ok());
    let (Some(required), Ok(version)) = (required, Version::from_str(&python.to_string())) else {
        return true;
    };
    required.contains(&version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clauses_mean_what_they_meant_to_pip() {
        for (line, repaired) in [
            ("pytz (>=2011k)", Some("pytz>2011")),
            ("pytz>dev", Some("pytz")),
            ("a[b] (>=1.0.*,!=1.5.*) ; extra == 'x'", Some("a[b]>=1.0,!=1.5.*; extra == 'x'")),
            ("a (<2.0snapshot,>=1)", Some("a<=2.0,>=1")),
            ("numpy (>=1.12.0)", Some("numpy (>=1.12.0)")),
            ("a (==2011k)", None),
            ("a (<dev)", None),
            ("a @ nowhere (>=2011k)", None),
        ] {
            assert_eq!(repair_requirement(line).as_deref(), repaired, "{line}");
        }
        assert_eq!(
            repair_specifiers(">=2.7, !=3.0.*, >=3.4.*").as_deref(),
            Some(">=2.7,!=3.0.*,>=3.4")
        );
    }
}
