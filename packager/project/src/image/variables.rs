//! The environment variables of an image.

use std::collections::BTreeMap;

use super::{APP_ROOT, MODELS_DIR, Record};
use crate::base::BaseFacts;
use crate::project::docker_steps::Step;

/// Environment variables in the order they were first set; a later value wins.
#[derive(Debug, Clone, Default)]
pub(super) struct Variables(Vec<(String, String)>);

impl Variables {
    pub(super) fn of(lines: &[String]) -> Self {
        let mut variables = Self::default();
        for line in lines {
            let (name, value) = line.split_once('=').unwrap_or((line, ""));
            variables.set(name, value);
        }
        variables
    }

    pub(super) fn set(&mut self, name: &str, value: impl Into<String>) {
        let value = value.into();
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some(found) => found.1 = value,
            None => self.0.push((name.to_owned(), value)),
        }
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn lines(&self) -> Vec<String> {
        self.0.iter().map(|(name, value)| format!("{name}={value}")).collect()
    }
}

/// Returns the value of `AZUREML_MODEL_DIR` for models by name and version: the folder of the only one, or that of all
/// (docs/azureml-2019.md#4.5).
pub fn models_dir<'a>(mut models: impl Iterator<Item = (&'a str, u32)>) -> String {
    match (models.next(), models.next()) {
        (Some((name, version)), None) => format!("{APP_ROOT}/{MODELS_DIR}/{name}/{version}"),
        _ => format!("{APP_ROOT}/{MODELS_DIR}"),
    }
}

/// Returns the variables of the service (docs/azureml-2019.md#1.6, docs/azureml-2019.md#4.5). Those
/// of extra Dockerfile lines come after the base's, those of the user last: of the conda file, then
/// of the configuration and the flags.
pub(super) fn variables(
    facts: &BaseFacts,
    steps: &[Step],
    record: &Record,
    own: &[&BTreeMap<String, String>],
) -> Variables {
    let mut variables = Variables::of(&facts.env);
    for step in steps {
        if let Step::Env { name, value } = step {
            variables.set(name, value);
        }
    }
    let path = variables
        .get("PATH")
        .unwrap_or("/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    let path = format!("{}/bin:{path}", record.python.prefix);
    variables.set("PATH", path);
    if record.is_new() {
        // As conda's activation and Azure ML's image builder set them (docs/azureml-2019.md#8).
        for name in ["CONDA_PREFIX", "AZUREML_CONDA_ENVIRONMENT_PATH"] {
            variables.set(name, record.python.prefix.as_str());
        }
    }
    variables.set("AML_APP_ROOT", APP_ROOT);
    variables.set("AZUREML_ENTRY_SCRIPT", &record.entry_script);
    if let Some(directory) = &record.source_directory {
        variables.set("AZUREML_SOURCE_DIRECTORY", directory);
    }
    let models = record.models.iter().map(|model| (model.name.as_str(), model.version));
    variables.set("AZUREML_MODEL_DIR", models_dir(models));
    // What user code prints reaches the log at once, and no bytecode is written.
    variables.set("PYTHONUNBUFFERED", "1");
    variables.set("PYTHONDONTWRITEBYTECODE", "1");
    // A numeric user has neither; libraries that cache something need both.
    for (name, value) in [("HOME", "/tmp"), ("USER", "mlpack")] {
        if variables.get(name).is_none() {
            variables.set(name, value);
        }
    }
    for (name, value) in own.iter().copied().flatten() {
        variables.set(name, value);
    }
    variables
}
