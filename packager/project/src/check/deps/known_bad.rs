//! Resolved releases that cannot be imported together although their metadata allow it
//! (docs/azureml-2019.md#0.3, docs/azureml-2019.md#9.15).

use std::str::FromStr as _;

use mlpack_lock::Server;
use pep440_rs::{Version, VersionSpecifiers};

use crate::check::tables::{self, KnownBad};
use crate::check::{Finding, Needs, Subject};

pub(crate) const ID: &str = "deps.known-bad";
pub(crate) const NEEDS: Needs = Needs::Packages;

/// What Azure's inference server is made of.
const OF_THE_SERVER: &[&str] = &["flask", "jinja2"];

pub(crate) fn run(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(resolved) = subject.resolved else { return Vec::new() };
    let mut found = Vec::new();
    for pair in tables::known_bad() {
        let releases = resolved.release(&pair.package).zip(resolved.release(&pair.with));
        let Some((release, other)) = releases else { continue };
        if !admits(&pair.releases, release) || !admits(&pair.breaks, other) {
            continue;
        }
        if !is_used(subject, &pair) {
            continue;
        }
        let KnownBad { package, module, with, symptom, remedy, source, .. } = &pair;
        let message = format!(
            "{package} {release} cannot be imported with {with} {other}: `import {module}` ends with \"{symptom}\" ({source})"
        );
        let place = subject.line_of(with).or_else(|| subject.line_of(package));
        let hint = format!("add `{remedy}` to the pip list, or use another release of {package}");
        found.push(Finding::error(ID, message, hint).placed(place));
    }
    found
}

/// Whether the project imports the package before the first request, or its server does. Else the
/// failure may never be seen.
fn is_used(subject: &Subject<'_>, pair: &KnownBad) -> bool {
    let top = pair.module.split('.').next().unwrap_or_default();
    let by_server = subject.project.server == Server::Azmlinfsrv
        && OF_THE_SERVER.contains(&pair.package.as_str());
    let imported = subject
        .loaded()
        .flat_map(|script| &script.imports)
        .any(|import| import.top() == top && import.at_start && !import.optional);
    by_server || imported
}

fn admits(specifiers: &str, release: &str) -> bool {
    let specifiers = VersionSpecifiers::from_str(specifiers);
    let release = Version::from_str(release);
    specifiers.ok().zip(release.ok()).is_some_and(|(of, release)| of.contains(&release))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Severity::Error;
    use crate::check::testing::{Case, finding};

    #[test]
    fn pairs_that_fail_are_told_where_they_are_used() {
        let case = |script: &str, packages: &[(&str, &str)]| {
            let conda = "dependencies:\n- pip:\n  - pandas\n  - numpy\n";
            let case = Case::new(&[("score.py", script), ("env.yml", conda)]).python("3.11.9");
            case.packages(packages, &[]).run(run)
        };
        let bad = [("pandas", "1.5.3"), ("numpy", "2.1.0")];
        assert_eq!(
            case("import pandas as pd\n", &bad),
            [finding(
                ID,
                Error,
                Some(("env.yml", 4)),
                "pandas 1.5.3 cannot be imported with numpy 2.1.0: `import pandas` ends with \"ValueError: numpy.dtype size changed\" (NumPy 2.0.0 Release Notes, \"C API changes\")",
                "add `numpy<2` to the pip list, or use another release of pandas",
            )]
        );
        assert_eq!(case("import json\n", &bad), []);
        assert_eq!(case("import pandas\n", &[("pandas", "1.5.3"), ("numpy", "1.26.4")]), []);
        assert_eq!(case("import pandas\n", &[("pandas", "2.2.3"), ("numpy", "2.1.0")]), []);
    }

    #[test]
    fn what_the_server_imports_counts_where_it_is_started() {
        let found = |case: Case| {
            let packages = [("flask", "1.0.3"), ("werkzeug", "3.0.0"), ("itsdangerous", "2.0.1")];
            case.python("3.8.1").packages(&packages, &[]).run(run).len()
        };
        assert_eq!(found(Case::script("import json\n").azmlinfsrv()), 1);
        assert_eq!(found(Case::script("import json\n")), 0);
    }
}
