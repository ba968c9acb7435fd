//! Imported modules that no package provides, or not in this release (docs/azureml-2019.md#9.4), in the
//! entry script and the project's modules that it imports. It is an error if the service cannot start:
//! the import is reached before the first request, and nothing adds folders where modules are found.

use mlpack_lock::Server;

use crate::analysis::python::{EntryScript, Import};
use crate::check::modules::is_local;
use crate::check::resolved::Resolved;
use crate::check::script::failing_import::FailingImport;
use crate::check::script::renamed;
use crate::check::{Finding, Needs, Subject};

pub(crate) const ID: &str = "script.imports";
pub(crate) const NEEDS: Needs = Needs::Packages;

/// Modules that Azure's inference server creates when it starts ("AMLRequest").
const BY_AZURES_SERVER: &[&str] = &["azureml.contrib.services"];

/// Modules that the builtin server creates if they are absent (packager/serve/README.md).
const BY_BUILTIN: &[&str] = &["azureml.contrib.services", "azureml.monitoring"];

pub(crate) fn run(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(resolved) = &subject.resolved else { return Vec::new() };
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
    let doubtful = finds_more(subject, resolved);
    let mut found: Vec<(String, Finding)> = Vec::new();
    for script in subject.loaded() {
        for import in script.imports.iter().filter(|import| import.level == 0 && !import.optional) {
            if is_local(subject, import.top()) || is_schema_of_entry(subject, script, import) {
                continue;
            }
            let Some(fault) = FailingImport::find(resolved, &modules, injected, import) else {
                continue;
            };
            let FailingImport { module, message, hint, certain } = fault;
            let doubtful = doubtful || !certain || !import.at_start;
            let hint = if doubtful { hint } else { format!("{hint}; {WAY_OUT}") };
            let edits = renamed::edit(&modules, import, &script.path).into_iter().collect();
            let new = Finding::unless(doubtful, ID, message, hint).at(&script.path, import.line);
            let new = new.with_edits(edits);
            match found.iter_mut().find(|(known, _)| *known == module) {
                None => found.push((module, new)),
                Some((_, known)) => {
                    let edits = [&*known.edits, &*new.edits].concat();
                    if known.severity < new.severity {
                        *known = new;
                    }
                    known.edits = edits;
                }
            }
        }
    }
    found.into_iter().map(|(_, finding)| finding).collect()
}

/// Whether an import is judged by `deps.inference-schema`, which knows the extras.
fn is_schema_of_entry(subject: &Subject<'_>, script: &EntryScript, import: &Import) -> bool {
    let is_entry = subject.readable().is_some_and(|entry| entry.path == script.path);
    let is_listed =
        |packages: &crate::check::packages::Packages| packages.get("inference-schema").is_some();
    let is_judged = subject.packages().is_some_and(|packages| !is_listed(packages));
    import.top() == "inference_schema" && is_entry && is_judged
}

/// What to do where this check is wrong.
const WAY_OUT: &str = "if it is there in a way that cannot be seen, --allow script.imports";

/// Whether modules may be in folders that cannot be seen.
fn finds_more(subject: &Subject<'_>, resolved: &Resolved<'_>) -> bool {
    subject.project.docker_steps.is_some()
        || resolved.env.iter().any(|line| line.starts_with("PYTHONPATH="))
        || subject.loaded().any(EntryScript::finds_more_modules)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Severity::{self, Error, Warning};
    use crate::check::testing::{Case, GOOD_CONDA, finding};

    fn case(script: &str) -> Case {
        Case::new(&[
            ("src/score.py", script),
            ("src/near.py", "import yaml\nfrom parts import one\n"),
            ("src/parts/__init__.py", ""),
            ("src/parts/one.py", "from . import two\nimport near\n"),
            ("src/parts/two.py", "import lost\n"),
            ("src/data/x", ""),
            ("env.yml", GOOD_CONDA),
        ])
        .source("src")
        .python("3.6.15")
    }

    fn found(severity: Severity, place: (&str, usize), message: &str, hint: &str) -> Finding {
        let hint = match severity {
            Error => format!("{hint}; {WAY_OUT}"),
            Warning => hint.to_owned(),
        };
        finding(ID, severity, Some((&format!("src/{}", place.0), place.1)), message, &hint)
    }

    const GUESS: &str = "add the package that has it to the pip list; mostly it is called NAME";

    #[test]
    fn modules_of_another_python() {
        assert_eq!(
            case("import imp\n").python("3.12.1").packages(&[], &[]).run(run),
            [found(
                Error,
                ("score.py", 1),
                "`import imp`: Python has it only up to Python 3.11, the image has 3.12",
                "add a package that provides it (imp) to the pip list, or remove the import",
            )]
        );
        let guarded = "try:\n    import torch\nexcept ImportError:\n    torch = None\n";
        assert_eq!(case(guarded).packages(&[], &[]).run(run), []);
        assert_eq!(case("import os, json, data\n").packages(&[], &[]).run(run), []);
    }

    #[test]
    fn modules_of_packages_that_are_known() {
        let script = "import numpy.linalg
import yaml, yaml.nodes
from azureml import core
from azureml.monitoring import x
import azureml.core.model
import dataclasses
import dnspython
def run(data):
    import cv2
";
        let error = |line, message, hint| found(Error, ("score.py", line), message, hint);
        let packages: [(&str, &str); 1] = [("dnspython", "2.0")];
        let files = ["numpy/__init__.py", "azureml/monitoring/__init__.py", "dns/__init__.py"];
        assert_eq!(
            case(script).packages(&packages, &files).run(run),
            [
                error(
                    2,
                    "`import yaml`: no package of the environment has `yaml`",
                    "add pyyaml to the pip list"
                ),
                error(
                    3,
                    "`import azureml`: no package of the environment has `azureml.core`",
                    "add azureml-core to the pip list"
                ),
                error(
                    6,
                    "`import dataclasses`: Python has it only from Python 3.7 on, the image has 3.6",
                    "add a package that provides it (dataclasses) to the pip list, or remove the import",
                ),
                error(
                    7,
                    "`import dnspython`: no package of the environment has `dnspython`",
                    "check the spelling: dnspython is installed and has no such module"
                ),
                found(
                    Warning,
                    ("score.py", 9),
                    "`import cv2`: no package of the environment has `cv2`",
                    "add opencv-python-headless to the pip list"
                ),
            ]
        );
    }

    #[test]
    fn modules_of_the_project_are_read_too() {
        let yaml = "`import yaml`: no package of the environment has `yaml`";
        let lost = "`import lost`: no package of the environment has `lost`";
        let expected = |severity| {
            [
                found(severity, ("near.py", 1), yaml, "add pyyaml to the pip list"),
                found(severity, ("parts/two.py", 1), lost, GUESS.replace("NAME", "lost").as_str()),
            ]
        };
        assert_eq!(case("import near\n").packages(&[], &[]).run(run), expected(Error));
        let later_and_now = "def run(data):\n    import yaml\nimport near\n";
        assert_eq!(case(later_and_now).packages(&[], &[]).run(run), expected(Error));
        // What such a script can import is not known.
        let more = "import sys, near\nsys.path.append('x')\n";
        assert_eq!(case(more).packages(&[], &[]).run(run), expected(Warning));
        let later = "def run(data):\n    import near\n";
        assert_eq!(case(later).packages(&[], &[]).run(run), []);
    }

    #[test]
    fn modules_of_other_releases() {
        let script = "from sklearn.externals import joblib
import sklearn.externals.joblib
from sklearn.linear_model.ridge import Ridge
from sklearn import cross_validation
from sklearn.linear_model import logistic
import sklearn.made_up
import numpy._core
";
        let files = [
            "sklearn/__init__.py",
            "sklearn/linear_model/__init__.py",
            "sklearn/linear_model/_ridge.py",
            "numpy/__init__.py",
        ];
        let error = |line, message, hint| found(Error, ("score.py", line), message, hint);
        let packages = |release| [("scikit-learn", release), ("numpy", "1.19.5")];
        assert_eq!(
            case(script).packages(&packages("0.24.2"), &files).run(run),
            [
                error(
                    1,
                    "`from sklearn.externals import joblib`: scikit-learn 0.24.2 has no `sklearn.externals.joblib`, which releases before 0.23 had",
                    "write `import joblib` and add joblib to the pip list, or pin scikit-learn<0.23",
                ),
                error(
                    3,
                    "`from sklearn.linear_model.ridge import Ridge`: scikit-learn 0.24.2 has no `sklearn.linear_model.ridge`, which releases before 0.24 had",
                    "write `from sklearn.linear_model import Ridge`, or pin scikit-learn<0.24",
                ),
                error(
                    4,
                    "`from sklearn import cross_validation`: scikit-learn 0.24.2 has no `sklearn.cross_validation`, which releases before 0.20 had",
                    "import it from where scikit-learn 0.24.2 has it, or pin scikit-learn<0.20",
                ),
                error(
                    5,
                    "`from sklearn.linear_model import logistic`: scikit-learn 0.24.2 has no `sklearn.linear_model.logistic`, which releases before 0.24 had",
                    "import it from where scikit-learn 0.24.2 has it, or pin scikit-learn<0.24",
                ),
                found(
                    Warning,
                    ("score.py", 6),
                    "`import sklearn.made_up`: its package has no `sklearn.made_up`",
                    "check the spelling, or use a release that has it",
                ),
                error(
                    7,
                    "`import numpy._core`: numpy 1.19.5 has no `numpy._core`, which 1.26 has",
                    "import it from where numpy 1.19.5 has it, or pin numpy>=1.26",
                ),
            ]
        );
        let old = "from sklearn.externals import joblib\nimport sklearn.linear_model.ridge\n";
        let files = ["sklearn/__init__.py", "sklearn/externals/joblib/__init__.py"];
        assert_eq!(case(old).packages(&packages("0.20.3"), &files[..1]).run(run), []);
        assert_eq!(case(&old[..36]).packages(&packages("0.23.0"), &files).run(run), []);
    }
}
