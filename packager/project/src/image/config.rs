//! The new image's config: the base's, with what a service needs put on top.

use mlpack_oci::labels;
use mlpack_oci::spec::{Config, ConfigBuilder};
use serde_json::json;

use super::{APP_ROOT, LABEL, LAUNCHER, MODELS_DIR, PORT, Record, SERVICE_USER};
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

/// The variables of the service (contract sections 1.6, 4.5). Extra Dockerfile lines come after
/// the base's, the user's own last: of the conda file, then of the configuration and the flags.
pub(super) fn variables(
    facts: &BaseFacts,
    steps: &[Step],
    record: &Record,
    own: &[&std::collections::BTreeMap<String, String>],
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
        // As conda's own activation and Azure's builder set them (docs/azureml-2019.md#8).
        for name in ["CONDA_PREFIX", "AZUREML_CONDA_ENVIRONMENT_PATH"] {
            variables.set(name, record.python.prefix.as_str());
        }
    }
    variables.set("AML_APP_ROOT", APP_ROOT);
    variables.set("AZUREML_ENTRY_SCRIPT", &record.entry_script);
    if let Some(directory) = &record.source_directory {
        variables.set("AZUREML_SOURCE_DIRECTORY", directory);
    }
    let models = match record.models.as_slice() {
        [only] => format!("{APP_ROOT}/{MODELS_DIR}/{}/{}", only.name, only.version),
        _ => format!("{APP_ROOT}/{MODELS_DIR}"),
    };
    variables.set("AZUREML_MODEL_DIR", models);
    // What user code prints reaches the log at once, and nothing writes beside it.
    variables.set("PYTHONUNBUFFERED", "1");
    variables.set("PYTHONDONTWRITEBYTECODE", "1");
    // A number without a name has neither; libraries that cache something ask for both.
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

/// The config of the new image.
pub(super) fn config(
    base: Option<&Config>,
    facts: &BaseFacts,
    steps: &[Step],
    variables: &Variables,
    record: &Record,
) -> Config {
    let mut labels = base.and_then(|config| config.labels().clone()).unwrap_or_default();
    let mut ports = base.and_then(|config| config.exposed_ports().clone()).unwrap_or_default();
    let root = matches!(facts.user.value.split(':').next(), Some("" | "root" | "0"));
    let mut user = if root { SERVICE_USER.to_owned() } else { facts.user.value.clone() };
    let service_port = format!("{PORT}/tcp");
    if !ports.contains(&service_port) {
        ports.push(service_port);
    }
    for step in steps {
        match step {
            Step::Label { name, value } => drop(labels.insert(name.clone(), value.clone())),
            Step::Expose { port, protocol } => {
                let port = format!("{port}/{protocol}");
                if !ports.contains(&port) {
                    ports.push(port);
                }
            }
            Step::User { user: named } => user.clone_from(named),
            _ => {}
        }
    }
    ports.sort();
    labels.insert(LABEL.to_owned(), json!(record).to_string());
    labels.insert(labels::PORT.to_owned(), PORT.to_string());
    let mut config = base.cloned().unwrap_or_else(|| {
        #[allow(clippy::unwrap_used, reason = "every field of a config is optional")]
        ConfigBuilder::default().build().unwrap()
    });
    config.set_user(Some(user));
    config.set_exposed_ports(Some(ports));
    config.set_env(Some(variables.lines()));
    config.set_entrypoint(Some(vec![
        format!("{}/bin/python", record.python.prefix),
        LAUNCHER.to_owned(),
    ]));
    // A command of the base would become arguments of the launcher (docs/pitfalls.md#33).
    config.set_cmd(None);
    config.set_working_dir(Some(APP_ROOT.to_owned()));
    config.set_labels(Some(labels));
    config
}
