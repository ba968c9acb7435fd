//! Imported modules that no package provides (docs/azureml-2019.md#9.4). A script may find modules
//! in other ways, so this only warns.

use mlpack_install::Modules;
use mlpack_lock::Server;
use mlpack_requirements::PythonVersion;

use crate::analysis::python::Import;
use crate::check::modules::is_local;
use crate::check::resolved::Resolved;
use crate::check::tables::Span;
use crate::check::{Finding, Needs, Subject, tables};

pub(crate) const ID: &str = "script.imports";
pub(crate) const NEEDS: Needs = Needs::Packages;

/// Modules that Azure's inference server creates when it starts ("AMLRequest").
const BY_AZURES_SERVER: &[&str] = &["azureml.contrib.services"];

/// Modules that the builtin server creates if they are absent (packager/serve/README.md).
const BY_BUILTIN: &[&str] = &["azureml.contrib.services", "azureml.monitoring"];

pub(crate) fn run(subject: &Subject<'_>) -> Vec<Finding> {
    let (Some(script), Some(resolved)) = (subject.readable(), &subject.resolved) else {
        return Vec::new();
    };
    let managed =
        subject.project.environment.as_ref().is_some_and(|environment| environment.user_managed);
    // What such a variable adds is not known.
    if managed || subject.project.environment_variables.contains_key("PYTHONPATH") {
        return Vec::new();
    }
    let modules = resolved.modules();
    let injected = match subject.project.server {
        Server::Builtin => BY_BUILTIN,
        Server::Azmlinfsrv if modules.lacks("azureml_inference_server_http").is_none() => {
            BY_AZURES_SERVER
        }
        Server::Azmlinfsrv => &[],
    };
    let mut seen = Vec::new();
    let mut found = Vec::new();
    for import in script.imports.iter().filter(|import| import.level == 0 && !import.optional) {
        if seen.contains(&import.top()) || is_local(subject, import.top()) {
            continue;
        }
        if let Some((message, hint)) = fault(resolved, &modules, injected, import) {
            seen.push(import.top());
            found.push(Finding::warning(ID, message, hint).at(&script.path, import.line));
        }
    }
    found
}

/// Returns the message and the hint for an import that fails.
fn fault(
    resolved: &Resolved<'_>,
    modules: &Modules,
    injected: &[&str],
    import: &Import,
) -> Option<(String, String)> {
    let python = resolved.environment.target.python;
    let span = tables::stdlib(import.top());
    if span.is_some_and(|span| span.includes(python)) {
        return None;
    }
    let injected = |name: &str| injected.iter().any(|module| name.starts_with(module));
    let lacking = wanted(import).into_iter().find_map(|name| {
        let part = modules.lacks(&name).filter(|_| !injected(&name))?;
        Some(part.to_owned())
    })?;
    let usual = tables::packages_of(&lacking).into_iter().next()?;
    if let Some(span) = span {
        return Some(of_another_python(python, span, import, &usual));
    }
    let there = resolved.environment.package(&usual).is_some();
    Some((
        format!("`import {}`: no package of the environment has `{lacking}`", import.module),
        if there {
            format!("check the spelling: {usual} is installed and has no such module")
        } else {
            format!("add {usual} to the pip list")
        },
    ))
}

/// Returns the modules that an import needs; the names after `from azureml import` are modules too.
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
        format!("add a package that provides it ({usual}) to the pip list, or remove the import"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Severity::Warning;
    use crate::check::testing::{Case, GOOD_CONDA, finding};

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
    fn modules_of_another_python() {
        assert_eq!(
            case("import imp\n").python("3.12.1").packages(&[], &[]).run(run),
            [finding(
                ID,
                Warning,
                Some(("src/score.py", 1)),
                "`import imp`: Python has it only up to Python 3.11, the image has 3.12",
                "add a package that provides it (imp) to the pip list, or remove the import",
            )]
        );
        let guarded = "try:\n    import torch\nexcept ImportError:\n    torch = None\n";
        assert_eq!(case(guarded).packages(&[], &[]).run(run), []);
        assert_eq!(case("import os, json, near, data\n").packages(&[], &[]).run(run), []);
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
        let warning = |line, message: &str, hint: &str| {
            finding(ID, Warning, Some(("src/score.py", line)), message, hint)
        };
        let found = case(script).packages(
            &[("dnspython", "2.0")],
            &["numpy/__init__.py", "azureml/monitoring/__init__.py", "dns/__init__.py"],
        );
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
                    "add a package that provides it (dataclasses) to the pip list, or remove the import",
                ),
                warning(
                    8,
                    "`import dnspython`: no package of the environment has `dnspython`",
                    "check the spelling: dnspython is installed and has no such module"
                ),
            ]
        );
    }
}
