//! The new image's config: the base's, with what a service needs on top.

use mlpack_oci::layer::WrittenLayer;
use mlpack_oci::spec::{
    Config, ConfigBuilder, History, HistoryBuilder, ImageConfiguration, RootFsBuilder,
};
use mlpack_oci::{Image, labels};
use serde_json::json;

use super::canonical::invalid;
use super::front_door::entrypoint;
use super::plan::Plan;
use super::variables::Variables;
use super::{APP_ROOT, Base, LABEL, PORT, Record, SERVICE_USER};
use crate::Result;
use crate::base::BaseFacts;
use crate::project::docker_steps::Step;

/// Returns the config of the new image with all its layers. `record` is complete.
///
/// # Errors
/// [`crate::Error::Data`] if a part of it is not valid.
pub(super) fn image_config(
    base: &Base,
    plan: &Plan,
    record: &Record,
    layers: &[WrittenLayer],
) -> Result<ImageConfiguration> {
    let mut image = base.image.config.clone();
    let config = config(image.config().as_ref(), &base.facts, &plan.steps, &plan.variables, record);
    let mut diff_ids = image.rootfs().diff_ids().clone();
    diff_ids.extend(layers.iter().map(|layer| layer.diff_id.to_string()));
    let rootfs = RootFsBuilder::default().typ("layers").diff_ids(diff_ids).build();
    let created = timestamp(plan.mtime);
    let history = history(&base.image, record, &created)?;
    image.set_config(Some(config));
    image.set_rootfs(rootfs.map_err(|error| invalid("config", &error))?);
    image.set_history(Some(history));
    image.set_created(Some(created));
    Ok(image)
}

/// One entry per layer; with fewer, readers assign ours to the base's layers
/// (docs/pitfalls.md#18).
fn history(base: &Image, record: &Record, created: &str) -> Result<Vec<History>> {
    let mut history = base.config.history().clone().unwrap_or_default();
    let known = history.iter().filter(|entry| entry.empty_layer() != Some(true)).count();
    let mut add = |entry: HistoryBuilder| -> Result<()> {
        history.push(entry.build().map_err(|error| invalid("config", &error))?);
        Ok(())
    };
    for _ in known..base.layers.len() {
        add(HistoryBuilder::default().created_by("layer of the base image"))?;
    }
    for layer in &record.layers {
        let title = layer.title.as_deref().map(|title| format!(" {title}")).unwrap_or_default();
        let made_by = format!("mlpack package: {}{title}", layer.role.name());
        add(HistoryBuilder::default().created(created).created_by(made_by))?;
    }
    Ok(history)
}

/// Returns seconds since 1970 as RFC 3339.
fn timestamp(seconds: u64) -> String {
    jiff::Timestamp::from_second(i64::try_from(seconds).unwrap_or(0))
        .map_or_else(|_| "1970-01-01T00:00:00Z".to_owned(), |time| time.to_string())
}

/// Returns what a container of the image runs, and as which user.
fn config(
    base: Option<&Config>,
    facts: &BaseFacts,
    steps: &[Step],
    variables: &Variables,
    record: &Record,
) -> Config {
    let mut labels = base.and_then(|config| config.labels().clone()).unwrap_or_default();
    let mut ports = base.and_then(|config| config.exposed_ports().clone()).unwrap_or_default();
    let mut user = match facts.runs_as_root() {
        true => SERVICE_USER.to_owned(),
        false => facts.user.value.clone(),
    };
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
    labels.insert(labels::FRONT_DOOR.to_owned(), record.mlpack.clone());
    let mut config = base.cloned().unwrap_or_else(|| {
        #[allow(clippy::unwrap_used, reason = "every field of a config is optional")]
        ConfigBuilder::default().build().unwrap()
    });
    config.set_user(Some(user));
    config.set_exposed_ports(Some(ports));
    config.set_env(Some(variables.lines()));
    config.set_entrypoint(Some(entrypoint(record.server, &record.python.executable())));
    // A command of the base would become arguments of the worker (docs/pitfalls.md#33).
    config.set_cmd(None);
    config.set_working_dir(Some(APP_ROOT.to_owned()));
    config.set_labels(Some(labels));
    config
}
