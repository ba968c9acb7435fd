//! Packages that are for other Pythons (PyPA, "Core metadata", `Requires-Python`). pip does not install
//! them; the resolver looks at lower bounds only.

use std::str::FromStr as _;

use mlpack_requirements::pip::repair_specifiers;
use pep440_rs::{Version, VersionSpecifiers};

use crate::check::{Finding, Needs, Subject};

pub(crate) const ID: &str = "deps.requires-python";
pub(crate) const NEEDS: Needs = Needs::Packages;

pub(crate) fn run(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(resolved) = subject.resolved else { return Vec::new() };
    let python = resolved.environment.target.python;
    let Ok(version) = Version::from_str(&python.to_string()) else { return Vec::new() };
    let required = resolved.inventory.required_pythons();
    let excluded = required.filter(|(_, required)| {
        // What cannot be read was no reason for pip either.
        let required = repair_specifiers(required);
        let required = required.and_then(|text| VersionSpecifiers::from_str(&text).ok());
        required.is_some_and(|required| !required.contains(&version))
    });
    excluded
        .map(|(package, required)| {
            let release = resolved.release(package).unwrap_or_default();
            let minor = python.minor_text();
            Finding::error(
                ID,
                format!("{package} {release} is for Python {required}, the image has {python}"),
                format!(
                    "pin a release of {package} for Python {minor}, use another Python, or install it all the same with --allow {ID}"
                ),
            )
            .placed(subject.line_of(package))
        })
        .collect()
}
