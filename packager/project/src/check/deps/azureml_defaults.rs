//! `azureml-defaults` included the web server, but not in all releases (docs/azureml-2019.md#0,
//! docs/azureml-2019.md#9.14).

use std::str::FromStr as _;

use mlpack_lock::Server;
use pep440_rs::Version;

use crate::analysis::python::EntryScript;

use crate::check::{Finding, Needs, Subject};

pub(crate) const ID: &str = "deps.azureml-defaults";
pub(crate) const NEEDS: Needs = Needs::Packages;

/// The minor version of Python, the pin of the newest release for it (docs/azureml-2019.md#0.1),
/// and the date of that release (PyPI).
const NEWEST: &[(u32, &str, &str)] = &[
    (5, "azureml-defaults==1.28.0", "2021-05-10"),
    (6, "azureml-defaults==1.47.0", "2022-10-25"),
    (7, "azureml-defaults==1.54.0", "2023-11-09"),
    (8, "azureml-defaults==1.60.0", "2025-04-11"),
];

pub(crate) fn run(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(packages) = subject.packages() else { return Vec::new() };
    // The builtin server needs no package.
    let builtin = subject.project.server == Server::Builtin;
    let server = builtin || packages.get("azureml-inference-server-http").is_some();
    let Some(defaults) = packages.get("azureml-defaults") else {
        // Azure's SDK always warned, since the package included the server. Here a server is added, so
        // the package only matters to a script that uses the SDK.
        let used =
            |script: &EntryScript| script.imports.iter().any(|import| import.top() == "azureml");
        let listed = packages.get("azureml-core").is_some();
        if server || listed || !packages.complete || !subject.script.as_ref().is_ok_and(used) {
            return Vec::new();
        }
        let message = "azureml-defaults is not in the conda file; a web server will be added, but not azureml.core";
        let hint = "add it to the pip list if the script uses azureml.core, pinned to a release for the image's Python";
        return vec![
            Finding::warning(ID, message, hint)
                .placed(subject.conda.map(|file| (file.path.clone(), 0))),
        ];
    };
    // With Azure's server the package is constrained to the releases that fit. Releases before 1.0.48 do not
    // require the parts of a web server, and one is added.
    let open = defaults.bounds.is_open() && defaults.bounds.lower().is_none();
    let python = subject.python.filter(|python| python.major == 3 && builtin && open);
    let Some(python) = python else { return Vec::new() };
    let Some((_, pin, day)) = NEWEST.iter().find(|(minor, ..)| *minor == python.minor) else {
        return Vec::new();
    };
    let release = subject.resolved.as_ref().and_then(|found| found.release("azureml-defaults"));
    let version = |text: &str| Version::from_str(text.rsplit("==").next().unwrap_or(text)).ok();
    let Some(release) = release.filter(|release| version(release) > version(pin)) else {
        return Vec::new();
    };
    let (text, python) = (&defaults.text, python.minor_text());
    let message = format!(
        "`{text}` is not pinned, and azureml-defaults {release} was made for newer Pythons than {python}, which its releases do not declare"
    );
    let hint = match subject.exclude_newer.and_then(|cutoff| cutoff.get(..10)) {
        // Dates in this format sort as text.
        Some(last) if last < *day => format!(
            "pin the release of azureml-defaults that was made for Python {python} before {last}"
        ),
        _ => format!("pin {pin}"),
    };
    vec![Finding::warning(ID, message, hint).placed(defaults.place())]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Severity::Warning;
    use crate::check::testing::{Case, GOOD_CONDA, finding};

    fn case(line: &str, python: &str) -> Case {
        Case::conda(&format!("dependencies:\n- pip:\n  - {line}\n")).python(python)
    }

    #[test]
    fn missing_old_and_unpinned() {
        assert_eq!(case("numpy", "3.6.15").run(run), []);
        assert_eq!(case("azureml-defaults==1.0.33", "3.6.15").run(run), []);
        assert_eq!(
            case("numpy", "3.6.15").azmlinfsrv().run(run),
            [finding(
                ID,
                Warning,
                Some(("env.yml", 0)),
                "azureml-defaults is not in the conda file; a web server will be added, but not azureml.core",
                "add it to the pip list if the script uses azureml.core, pinned to a release for the image's Python",
            )]
        );
        assert_eq!(case("azureml-defaults==1.0.33", "3.6.15").azmlinfsrv().run(run), []);
        assert_eq!(
            case("azureml-defaults", "3.8.18")
                .packages(&[("azureml-defaults", "1.61.0")], &[])
                .run(run),
            [finding(
                ID,
                Warning,
                Some(("env.yml", 3)),
                "`azureml-defaults` is not pinned, and azureml-defaults 1.61.0 was made for newer Pythons than 3.8, which its releases do not declare",
                "pin azureml-defaults==1.60.0",
            )]
        );
        let newest = case("azureml-defaults", "3.8.18");
        assert_eq!(newest.packages(&[("azureml-defaults", "1.60.0")], &[]).run(run), []);
    }

    #[test]
    fn nothing_untrue_is_said_of_a_list_with_azures_server() {
        // What has the module, and what is constrained anyway.
        for line in ["azureml-core==1.33.0", "azureml-defaults"] {
            assert_eq!(case(line, "3.8.18").azmlinfsrv().run(run), []);
        }
    }

    #[test]
    fn the_pin_is_older_than_the_cutoff() {
        let hint = |adjust: fn(&mut Subject<'_>)| {
            let found = case("azureml-defaults", "3.6.15")
                .packages(&[("azureml-defaults", "1.61.0")], &[])
                .with(adjust)
                .run(run);
            found.into_iter().map(|finding| finding.hint).collect::<String>()
        };
        assert_eq!(
            hint(|subject| subject.exclude_newer = Some("2019-05-05")),
            "pin the release of azureml-defaults that was made for Python 3.6 before 2019-05-05"
        );
        assert_eq!(
            hint(|subject| subject.exclude_newer = Some("2022-10-25T23:00:00Z")),
            "pin azureml-defaults==1.47.0"
        );
    }

    #[test]
    fn what_is_well() {
        assert_eq!(case("azureml-defaults", "3.11.7").run(run), []);
        assert_eq!(case("azureml-inference-server-http", "3.11.7").run(run), []);
        assert_eq!(case("-r more.txt", "3.6.15").run(run), []);
        let conda = "dependencies:\n- pip:\n  - numpy\n";
        let without = "import numpy\ndef init(): pass\ndef run(data): return data\n";
        let case = Case::new(&[("score.py", without), ("env.yml", conda)]);
        assert_eq!(case.run(run), []);
        assert_eq!(Case::conda(GOOD_CONDA).python("3.6.15").run(run), []);
    }
}
