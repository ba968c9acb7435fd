//! Packages that are for other Pythons (PyPA, "Core metadata", `Requires-Python`). pip does not install
//! them; the resolver looks at lower bounds only.

use mlpack_requirements::pip::admits_python;

use crate::check::{Finding, Needs, Subject};

pub(crate) const ID: &str = "deps.requires-python";
pub(crate) const NEEDS: Needs = Needs::Packages;

pub(crate) fn run(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(resolved) = subject.resolved else { return Vec::new() };
    let python = resolved.environment.target.python;
    let required = resolved.inventory.required_pythons();
    let excluded = required.filter(|(_, required)| !admits_python(required, python));
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
