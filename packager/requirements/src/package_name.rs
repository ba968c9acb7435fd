//! Names of Python packages.

use std::str::FromStr as _;

use pep508_rs::PackageName;

/// A package name in the one form that compares equal: lower case, runs of `-_.` as one `-` (PEP 503).
///
/// Text that is not a package name is returned in lower case.
pub fn normalize_name(name: &str) -> String {
    PackageName::from_str(name).map_or_else(|_| name.to_lowercase(), |name| name.to_string())
}
