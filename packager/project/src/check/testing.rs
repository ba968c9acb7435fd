//! Small projects for the tests of checks.

use std::fs;
use std::path::{Path, PathBuf};

use mlpack_lock::Server;
use mlpack_requirements::{CondaFile, Listed, PythonVersion};

use super::resolved::tests::resolved;
use super::{Finding, Resolved, Severity, Subject};
use crate::project::{CondaSource, InferenceConfig, ModelSpec, Project, ProjectOptions};

/// An entry script without a fault.
pub(super) const GOOD_SCRIPT: &str = "import joblib
from azureml.core.model import Model


def init():
    global model
    model = joblib.load(Model.get_model_path('digits'))


def run(data):
    return model.predict(data).tolist()
";

/// A conda file that matches it.
pub(super) const GOOD_CONDA: &str = "dependencies:
- python=3.6.2
- pip:
  - azureml-defaults==1.47.0
  - scikit-learn==0.24.2
";

/// A project in a temporary folder. The entry script is `score.py`; the conda file is `env.yml`
/// if there is one.
pub(super) struct Case {
    dir: tempfile::TempDir,
    config: Option<String>,
    models: Vec<ModelSpec>,
    overrides: ProjectOptions,
    python: Option<PythonVersion>,
    resolved: Option<Resolved<'static>>,
    adjust: fn(&mut Subject<'_>),
}

impl Case {
    /// Writes the files.
    pub(super) fn new(files: &[(&str, &str)]) -> Self {
        let case = Self {
            dir: tempfile::tempdir().unwrap(),
            config: None,
            models: Vec::new(),
            overrides: ProjectOptions::default(),
            python: None,
            resolved: None,
            adjust: |_| {},
        };
        for (path, text) in files {
            let path = case.root().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        case
    }

    /// One script, nothing else.
    pub(super) fn script(text: &str) -> Self {
        Self::new(&[("score.py", text)])
    }

    /// A good script with a conda file.
    pub(super) fn conda(text: &str) -> Self {
        Self::new(&[("score.py", GOOD_SCRIPT), ("env.yml", text)])
    }

    /// The inference configuration, called `config.json` or `config.yml`.
    pub(super) fn config(mut self, text: &str) -> Self {
        self.config = Some(text.to_owned());
        self
    }

    pub(super) fn model(mut self, spec: &str) -> Self {
        self.models.push(spec.parse().unwrap());
        self
    }

    pub(super) fn source(mut self, folder: &str) -> Self {
        self.overrides.source_directory = Some(folder.to_owned());
        self
    }

    /// Lets Azure's inference server run the script.
    pub(super) fn azmlinfsrv(self) -> Self {
        self.flags(|flags| flags.server = Some(Server::Azmlinfsrv))
    }

    pub(super) fn flags(mut self, set: impl FnOnce(&mut ProjectOptions)) -> Self {
        set(&mut self.overrides);
        self
    }

    pub(super) fn python(mut self, version: &str) -> Self {
        self.python = Some(version.parse().unwrap());
        self
    }

    /// Packages by name and version on a base whose interpreter has these modules. Comes after
    /// [`Case::python`].
    pub(super) fn packages(mut self, packages: &[(&str, &str)], modules: &[&str]) -> Self {
        let python = self.python.unwrap_or(PythonVersion::new(3, 6, 15));
        self.resolved = Some(resolved(python, packages, modules));
        self
    }

    pub(super) fn with(mut self, adjust: fn(&mut Subject<'_>)) -> Self {
        self.adjust = adjust;
        self
    }

    pub(super) fn root(&self) -> PathBuf {
        self.dir.path().canonicalize().unwrap()
    }

    /// Runs a check; paths in the findings are relative to the folder.
    pub(super) fn run(mut self, check: fn(&Subject<'_>) -> Vec<Finding>) -> Vec<Finding> {
        let root = self.root();
        let config = self.config.as_ref().map(|text| {
            let name = if text.starts_with('{') { "config.json" } else { "config.yml" };
            InferenceConfig::parse(&root.join(name), text).unwrap()
        });
        if config.is_none() {
            self.overrides.entry_script.get_or_insert_with(|| "score.py".to_owned());
            if root.join("env.yml").exists() {
                self.overrides.conda_file.get_or_insert_with(|| "env.yml".to_owned());
            }
        }
        let project =
            Project::resolve(config.as_ref(), &self.overrides, &self.models, &root).unwrap();
        let conda = match &project.conda {
            Some(CondaSource::File(path)) if path.exists() => Some(CondaFile::load(path).unwrap()),
            Some(CondaSource::Inline(document)) => Some(CondaFile::read(document).unwrap()),
            _ => None,
        };
        let listed = conda.as_ref().map(|conda| Listed::of(conda, &root, &Default::default()));
        let mut subject = Subject::new(&project, conda.as_ref(), listed);
        subject.python = self.python;
        if let Some(resolved) = self.resolved {
            subject.set_packages(resolved);
        }
        (self.adjust)(&mut subject);
        let prefix = format!("{}/", root.display());
        let mut found = check(&subject);
        for finding in &mut found {
            for text in [&mut finding.message, &mut finding.hint] {
                *text = text.replace(&prefix, "").replace(&*root.to_string_lossy(), "ROOT");
            }
            // Those have tests that apply them.
            finding.edits.clear();
            if let Some((path, _)) = &mut finding.place {
                *path = path.strip_prefix(&root).unwrap_or(Path::new("outside")).to_owned();
            }
        }
        found
    }
}

/// A finding as a test expects it.
pub(super) fn finding(
    check: &'static str,
    severity: Severity,
    place: Option<(&str, usize)>,
    message: &str,
    hint: &str,
) -> Finding {
    Finding {
        check,
        severity,
        message: message.to_owned(),
        place: place.map(|(path, line)| (PathBuf::from(path), line)),
        hint: hint.to_owned(),
        edits: Vec::new(),
    }
}
