//! Modules that nothing brings (docs/azureml-2019.md#9.4). Before the packages are known, by what
//! the conda file lists; then by what they hold. A script may still find modules in its own way, so
//! this only warns.

use mlpack_install::Modules;
use mlpack_requirements::PythonVersion;

use super::local_imports::is_module;
use super::packages::Packages;
use super::resolved::Resolved;
use super::tables::Span;
use super::{Finding, Subject, tables};
use crate::script::Import;

pub(super) const ID: &str = "script.imports";

/// What the web server brings that is added from Python 3.6 on.
const WITH_SERVER: &[&str] =
    &["flask", "gunicorn", "werkzeug", "inference-schema", "azureml-inference-server-http"];

/// Modules that a package makes up when it starts (azureml-inference-server-http, "AMLRequest").
const PLANTED: &[(&str, &str)] = &[("azureml.contrib.services", "azureml_inference_server_http")];

pub(super) fn run(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(script) = subject.readable() else { return Vec::new() };
    let managed =
        subject.project.environment.as_ref().is_some_and(|environment| environment.user_managed);
    // What such a variable adds is not known.
    if managed || subject.project.environment_variables.contains_key("PYTHONPATH") {
        return Vec::new();
    }
    let packages = subject.packages();
    let modules = subject.resolved.as_ref().map(Resolved::modules);
    let fault = |import: &Import| match (&subject.resolved, &modules, &packages) {
        (Some(resolved), Some(modules), _) => known_fault(subject, resolved, modules, import),
        (_, _, Some(packages)) if packages.complete && !subject.will_resolve => {
            fault(subject, packages, import)
        }
        _ => None,
    };
    let mut seen = Vec::new();
    let mut found = Vec::new();
    for import in script.imports.iter().filter(|import| import.level == 0 && !import.optional) {
        if seen.contains(&import.top()) || is_local(subject, import.top()) {
            continue;
        }
        if let Some((message, remedy)) = fault(import) {
            seen.push(import.top());
            found.push(Finding::warning(ID, message, remedy).at(&script.path, import.line));
        }
    }
    found
}

/// Whether a module is one of the project's own.
pub(super) fn is_local(subject: &Subject<'_>, top: &str) -> bool {
    let project = subject.project;
    let own = project.entry_script.parent().is_some_and(|folder| {
        // A module beside the script that is not packed is an error of its own.
        is_module(folder, top)
    });
    own || project
        .source_directory
        .as_ref()
        .is_some_and(|source| is_module(&source.path, top) || source.path.join(top).is_dir())
}

fn fault(subject: &Subject<'_>, packages: &Packages, import: &Import) -> Option<(String, String)> {
    let candidates = candidates(import);
    let server = subject.python.is_none_or(|python| (python.major, python.minor) >= (3, 6));
    let brought = |name: &String| {
        packages.has(name) || (server && WITH_SERVER.contains(&name.as_str())) || is_basic(name)
    };
    let has = candidates.iter().any(brought);
    let usual = candidates.first()?;
    match tables::stdlib(import.top()) {
        Some(span) if span.holds(subject.python) => None,
        _ if has => None,
        Some(span) => Some(of_another_python(subject.python?, span, import, usual)),
        None => Some((
            format!("`import {}`: nothing in the conda file seems to bring it", import.module),
            format!("add {usual} to the pip list"),
        )),
    }
}

/// What is wrong with an import where everything that can be imported is known.
fn known_fault(
    subject: &Subject<'_>,
    resolved: &Resolved<'_>,
    modules: &Modules,
    import: &Import,
) -> Option<(String, String)> {
    let span = tables::stdlib(import.top());
    if span.is_some_and(|span| span.holds(subject.python)) {
        return None;
    }
    let planted = |name: &str| {
        PLANTED.iter().any(|(module, by)| name.starts_with(module) && modules.lacks(by).is_none())
    };
    let lacking = wanted(import).into_iter().find_map(|name| {
        let part = modules.lacks(&name).filter(|_| !planted(&name))?;
        Some(part.to_owned())
    })?;
    let usual = tables::packages_of(&lacking).into_iter().next()?;
    if let Some(span) = span {
        return Some(of_another_python(subject.python?, span, import, &usual));
    }
    let there = resolved.environment.package(&usual).is_some();
    Some((
        format!("`import {}`: no package of the environment has `{lacking}`", import.module),
        if there {
            format!("check the spelling: {usual} is there and has no such module")
        } else {
            format!("add {usual} to the pip list")
        },
    ))
}

/// The modules that an import asks for; what follows `from azureml import` are modules too.
fn wanted(import: &Import) -> Vec<String> {
    let shared = matches!(import.module.as_str(), "azureml" | "azure" | "google" | "google.cloud");
    if !shared || import.names.is_empty() {
        return vec![import.module.clone()];
    }
    import.names.iter().map(|name| format!("{}.{name}", import.module)).collect()
}

fn of_another_python(
    python: PythonVersion,
    span: Span,
    import: &Import,
    usual: &str,
) -> (String, String) {
    let when = match (span.first, span.last) {
        (Some(first), _) if python.minor < first => format!("only from Python 3.{first} on"),
        (_, last) => format!("only up to Python 3.{}", last.unwrap_or(python.minor)),
    };
    (
        format!(
            "`import {}`: Python has it {when}, the image has {}",
            import.module,
            python.minor_text()
        ),
        format!("add a package that brings it ({usual}) to the pip list, or do without it"),
    )
}

/// Packages that bring an import; `from azureml import core` means `azureml.core`.
fn candidates(import: &Import) -> Vec<String> {
    let mut all: Vec<String> = import
        .names
        .iter()
        .filter(|_| {
            matches!(import.module.as_str(), "azureml" | "azure" | "google" | "google.cloud")
        })
        .flat_map(|name| tables::packages_of(&format!("{}.{name}", import.module)))
        .collect();
    all.extend(tables::packages_of(&import.module));
    all
}

/// In every environment.
fn is_basic(package: &str) -> bool {
    matches!(package, "pip" | "setuptools" | "wheel")
}

#[cfg(test)]
mod tests {
    use super::super::Severity::Warning;
    use super::super::testing::{Case, GOOD_CONDA, GOOD_SCRIPT, finding};
    use super::*;

    fn case(script: &str) -> Case {
        Case::new(&[
            ("src/score.py", script),
            ("src/near.py", ""),
            ("src/data/x", ""),
            ("env.yml", GOOD_CONDA),
        ])
        .source("src")
        .python("3.6.15")
    }

    #[test]
    fn modules_that_nothing_brings() {
        let warning = |line, message: &str, remedy: &str| {
            finding(ID, Warning, Some(("src/score.py", line)), message, remedy)
        };
        assert_eq!(
            case("import cv2\nimport cv2.dnn\nimport dataclasses\nimport My_Thing\nfrom PIL import Image\n").run(run),
            [
                warning(1, "`import cv2`: nothing in the conda file seems to bring it", "add opencv-python to the pip list"),
                warning(
                    3,
                    "`import dataclasses`: Python has it only from Python 3.7 on, the image has 3.6",
                    "add a package that brings it (dataclasses) to the pip list, or do without it",
                ),
                warning(4, "`import My_Thing`: nothing in the conda file seems to bring it", "add my-thing to the pip list"),
                warning(5, "`import PIL`: nothing in the conda file seems to bring it", "add pillow to the pip list"),
            ]
        );
        assert_eq!(
            case("import imp\n").python("3.12.1").run(run),
            [warning(
                1,
                "`import imp`: Python has it only up to Python 3.11, the image has 3.12",
                "add a package that brings it (imp) to the pip list, or do without it",
            )]
        );
    }

    #[test]
    fn modules_that_come_along() {
        let script = "import os, json, near, data, numpy, joblib, sklearn.svm, pkg_resources
from azureml.core import Model
from azureml import core
import inference_schema, flask
try:
    import torch
except ImportError:
    torch = None
";
        assert_eq!(case(script).run(run), []);
        assert_eq!(Case::new(&[("score.py", GOOD_SCRIPT), ("env.yml", GOOD_CONDA)]).run(run), []);
        assert_eq!(Case::script("import cv2\n").run(run), []);
        assert_eq!(
            Case::new(&[
                ("score.py", "import cv2\n"),
                ("env.yml", "dependencies:\n- pip:\n  - ./a.whl\n")
            ])
            .run(run),
            []
        );
    }

    #[test]
    fn modules_of_packages_that_are_known() {
        let script = "import numpy.linalg
import yaml
from azureml import core
from azureml.monitoring import x
import azureml.core.model
import dataclasses
import near
import dnspython
";
        let warning = |line, message: &str, remedy: &str| {
            finding(ID, Warning, Some(("src/score.py", line)), message, remedy)
        };
        let found = case(script).with(|subject| {
            subject.resolved = Some(super::super::resolved::tests::resolved(
                &[("dnspython", "2.0")],
                &["numpy/__init__.py", "azureml/monitoring/__init__.py", "dns/__init__.py"],
            ));
        });
        assert_eq!(
            found.run(run),
            [
                warning(
                    2,
                    "`import yaml`: no package of the environment has `yaml`",
                    "add pyyaml to the pip list"
                ),
                warning(
                    3,
                    "`import azureml`: no package of the environment has `azureml.core`",
                    "add azureml-core to the pip list"
                ),
                warning(
                    6,
                    "`import dataclasses`: Python has it only from Python 3.7 on, the image has 3.6",
                    "add a package that brings it (dataclasses) to the pip list, or do without it",
                ),
                warning(
                    8,
                    "`import dnspython`: no package of the environment has `dnspython`",
                    "check the spelling: dnspython is there and has no such module"
                ),
            ]
        );
        let waiting = case("import cv2\n").with(|subject| subject.will_resolve = true);
        assert_eq!(waiting.run(run), []);
    }
}
