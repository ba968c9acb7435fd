//! Registering: a file or folder becomes a version of a model.

use std::collections::BTreeMap;

use mlpack_model_source::Login;
use mlpack_models::{Claim, ListedFile, ModelRecord, RegisteredModel, Resources, Workspace};
use mlpack_oci::layer::{Compression, LayerOptions, write_layer};
use mlpack_project::image::model_tree;
use mlpack_project::project::{Model, ModelSpec, PackedFile, PackedKind, is_model_name};

use super::open_or_create;
use super::source::{ModelSource, fetch};
use crate::{Argument, Error, Result, Session};

/// Entries of a model that its record lists; more would exceed the size that registries accept for a config.
const MAX_LISTED: usize = 10_000;

/// A model to register.
#[derive(Debug, Clone)]
pub struct RegisterRequest {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub source: ModelSource,
    /// How a server that it is on knows the user.
    pub login: Login,
    /// Whether it is in an archive.
    pub is_packed: bool,
    /// For people.
    pub description: Option<String>,
    /// Labels that may change.
    pub tags: BTreeMap<String, String>,
    /// Labels that never change.
    pub properties: BTreeMap<String, String>,
    /// As in `ScikitLearn`.
    pub framework: Option<String>,
    /// As in `0.20.3`.
    pub framework_version: Option<String>,
    /// What a service of it needs.
    pub resources: Resources,
    /// The experiment whose run made it.
    pub experiment_name: Option<String>,
    /// The run that made it.
    pub run_id: Option<String>,
    /// Where a sample of its input is.
    pub sample_input_dataset_id: Option<String>,
    /// Where a sample of its output is.
    pub sample_output_dataset_id: Option<String>,
}

/// Parses `KEY=VALUE` pairs of an option.
///
/// # Errors
/// [`Argument::Model`] for a text without `=` or key.
pub fn pairs(option: &str, texts: &[String]) -> Result<BTreeMap<String, String>> {
    let pair = |text: &String| match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err(wrong(
            format!("{option} {text}: expected KEY=VALUE"),
            format!("write `{option} KEY=VALUE`"),
        )),
    };
    texts.iter().map(pair).collect()
}

/// Registers a model under the next number of its name. If that fails, the number is free again.
///
/// # Errors
/// If the name, the files or the workspace do not allow it.
pub fn register(session: &Session, request: &RegisterRequest) -> Result<RegisteredModel> {
    let name = &request.name;
    if !is_model_name(name) {
        return Err(wrong(
            format!("invalid model name `{name}`"),
            "use at most 255 letters, digits, `-`, `.` and `_`, beginning with a letter or digit"
                .to_owned(),
        ));
    }
    if request.framework_version.is_some() && request.framework.is_none() {
        return Err(wrong(
            "--model-framework-version was given without --model-framework".to_owned(),
            "add `--model-framework`, as in `ScikitLearn`".to_owned(),
        ));
    }
    // The files first: nothing is claimed for a model that cannot be read.
    let fetched = fetch(session, &request.source, request.login.clone(), request.is_packed)?;
    let spec = ModelSpec { name: name.clone(), version: 0, path: fetched.path.clone() };
    let model = Model::load(&spec, &session.cwd)?;
    let mut request = request.clone();
    if let Some((run, experiment)) = fetched.run.clone() {
        (request.run_id, request.experiment_name) = (Some(run), Some(experiment));
    }
    let workspace = open_or_create(session)?;
    let nonce = format!("{}-{}", std::process::id(), session.now);
    let claim = workspace.claim(name, &session.now, &nonce)?;
    let model = Model { version: claim.version, ..model };
    let registered = write(session, &workspace, &claim, &request, &model);
    if registered.is_err() {
        // The first error is the one to report.
        let _ = workspace.release(&claim);
    }
    registered
}

fn write(
    session: &Session,
    workspace: &Workspace,
    claim: &Claim,
    request: &RegisterRequest,
    model: &Model,
) -> Result<RegisteredModel> {
    let tree = model_tree(model)?;
    let title = format!("Registering {}:{}", claim.name, claim.version);
    let meter = session.progress.begin(&title, Some(tree.size()));
    let options = LayerOptions { mtime: session.mtime, threads: session.threads };
    let layer = write_layer(&tree, Compression::Probe, options, workspace.stage(), &*meter)?;
    let record = record(session, claim, request, model);
    let registered = workspace.publish(claim, &record, &layer, &*session.progress)?;
    meter.finish("registered");
    Ok(registered)
}

fn record(
    session: &Session,
    claim: &Claim,
    request: &RegisterRequest,
    model: &Model,
) -> ModelRecord {
    let request = request.clone();
    ModelRecord {
        name: claim.name.clone(),
        version: claim.version,
        created_time: session.now.clone(),
        description: request.description,
        framework: request.framework,
        framework_version: request.framework_version,
        tags: request.tags,
        properties: request.properties,
        resource_requirements: request.resources,
        experiment_name: request.experiment_name,
        run_id: request.run_id,
        sample_input_dataset_id: request.sample_input_dataset_id,
        sample_output_dataset_id: request.sample_output_dataset_id,
        entry: model.basename.clone(),
        size: model.size(),
        files: (model.files.len() <= MAX_LISTED).then(|| model.files.iter().map(listed).collect()),
    }
}

fn listed(file: &PackedFile) -> ListedFile {
    let path = file.path.clone();
    match file.kind.clone() {
        PackedKind::File { size, executable } => ListedFile::File { path, size, executable },
        PackedKind::Directory => ListedFile::Directory { path },
        PackedKind::Link { target } => ListedFile::Link { path, target },
    }
}

fn wrong(message: String, hint: String) -> Error {
    Argument::Model { message, hint }.into()
}
