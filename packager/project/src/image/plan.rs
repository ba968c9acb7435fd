//! Everything decided, nothing done: which layers, in which order, and what the image records.

use std::collections::BTreeMap;

use mlpack_documents::Templates;
use mlpack_lock::LockedEnvironment;
use mlpack_oci::layer::{Compression, Node, Tree};
use mlpack_oci::rootfs::{Kind, RootFs};
use mlpack_oci::{DiffId, Digest};

use super::layers::environment::Maker;
use super::layers::overlay::overlay;
use super::layers::{EnvironmentLayers, trees};
use super::variables::{self, Variables};
use super::{
    APP_ROOT, Base, BaseRecord, FrontDoor, MODELS_ROOT, ModelRecord, PackageRecord, PolicyRecord,
    PythonRecord, Record, Role,
};
use crate::project::docker_steps::Step;
use crate::project::{Model, Project, StoredLayer};
use crate::{Error, Result};

/// Layers of base and image together that every runtime mounts (docs/pitfalls.md#29).
const MAX_LAYERS: usize = 125;

/// Layers of base and image together that the environment does not exceed: some runtimes, and
/// snapshots with long paths, support fewer than others (docs/pitfalls.md#29).
const SOFT_MAX_LAYERS: usize = 100;

/// Layers of an environment by default.
pub const ENVIRONMENT_LAYERS: usize = 12;

/// Version of the format of [`Record`].
const RECORD_FORMAT: u32 = 1;

/// Everything a plan depends on.
pub struct Inputs<'a> {
    /// The project.
    pub project: &'a Project,
    /// Its base.
    pub base: &'a Base,
    /// Extra Dockerfile lines, evaluated on the base.
    pub steps: &'a [Step],
    /// The packages, resolved for the base.
    pub environment: &'a LockedEnvironment,
    /// Key of the install options, as far as they change the layers; empty without any.
    pub options: &'a str,
    /// Why the interpreter is the base's or a new one, as its selection says.
    pub why: &'a str,
    /// Maximum number of layers of the environment.
    pub environment_layers: usize,
    /// Variables of the conda file.
    pub variables: &'a BTreeMap<String, String>,
    /// The policy and its verdicts.
    pub policy: PolicyRecord,
    /// Version of mlpack.
    pub version: &'a str,
    /// `templates/`.
    pub templates: &'a Templates,
    /// The front door and the builtin worker.
    pub front_door: &'a FrontDoor,
    /// Modification time of every entry, in seconds since 1970.
    pub mtime: u64,
}

/// Everything about the new image except its bytes.
pub struct Plan {
    /// The record; layers and model digests are filled in when the layers are written.
    pub record: Record,
    /// New layers from the bottom up.
    pub layers: Vec<PlannedLayer>,
    /// Modification time of every entry, in seconds since 1970.
    pub mtime: u64,
    why: String,
    pub(super) variables: Variables,
    pub(super) steps: Vec<Step>,
}

/// A layer to be written.
pub struct PlannedLayer {
    /// What it is for.
    pub role: Role,
    /// `NAME:VERSION` of a model.
    pub title: Option<String>,
    /// Its content.
    pub(super) content: LayerContent,
}

/// The content of a layer.
pub(super) enum LayerContent {
    /// Files of the project or of mlpack.
    Tree {
        /// The files, at their places on the base.
        tree: Tree,
        /// How the layer is stored.
        compression: Compression,
    },
    /// The layer of a registered model.
    Stored(Box<StoredLayer>),
    /// Several layers of packages, which need not be fetched if the layers are cached.
    Environment(EnvironmentLayers),
}

/// Decides everything.
///
/// # Errors
/// If sources cannot be listed, paths collide, a template fails, or there are too many layers.
pub fn plan(inputs: &Inputs<'_>) -> Result<Plan> {
    let Inputs { project, base, steps, .. } = *inputs;
    // By name and version, so that the order of flags does not matter.
    let models: BTreeMap<_, _> =
        project.models.iter().map(|model| ((model.name.as_str(), model.version), model)).collect();
    let models: Vec<&Model> = models.into_values().collect();
    let mut layers = project_layers(inputs, &models)?;
    layers.insert(0, environment_layer(inputs, layers.len())?);
    let record = record(inputs, &models);
    let own = [inputs.variables, &project.environment_variables];
    let variables = variables::variables(&base.facts, steps, &record, &own);
    let why = inputs.why.to_owned();
    Ok(Plan { record, layers, mtime: inputs.mtime, why, variables, steps: steps.to_vec() })
}

/// Returns the layers above the environment: server, extra Dockerfile lines, models, code.
fn project_layers(inputs: &Inputs<'_>, models: &[&Model]) -> Result<Vec<PlannedLayer>> {
    let Inputs { project, base, steps, templates, .. } = *inputs;
    let layer = |role, title, tree: &Tree, compression| -> Result<PlannedLayer> {
        let content = LayerContent::Tree { tree: overlay(tree, &base.root)?, compression };
        Ok(PlannedLayer { role, title, content })
    };
    let architecture = &base.facts.architecture.value;
    let mut server = trees::server(inputs.front_door, architecture, project.server, templates)?;
    trees::links(&mut server, models, &base.root)?;
    let mut layers = vec![layer(Role::Server, None, &server, Compression::Gzip)?];
    let copied = trees::steps(steps)?;
    if !copied.is_empty() {
        layers.push(layer(Role::Steps, None, &copied, Compression::Gzip)?);
    }
    for model in models {
        let title = Some(format!("{}:{}", model.name, model.version));
        layers.push(match &model.stored {
            Some(stored) => {
                fits(model, &base.root)?;
                let content = LayerContent::Stored(Box::new(stored.clone()));
                PlannedLayer { role: Role::Model, title, content }
            }
            None => layer(Role::Model, title, &trees::model(model)?, Compression::Probe)?,
        });
    }
    let files = project.source_files()?;
    let script = project.entry_script_in_image().unwrap_or_default();
    let folder = project.source_directory.as_ref().map(|source| source.name.as_str());
    let mut code = trees::code(&files, &script, folder, templates)?;
    if base.root.find(MODELS_ROOT).is_some() && models.iter().any(|model| model.stored.is_some()) {
        // The layers of registered models have the folder with attributes of their own; the base's win.
        code.insert(MODELS_ROOT, Node::Directory { open: false })?;
    }
    layers.push(layer(Role::Code, None, &code, Compression::Gzip)?);
    Ok(layers)
}

/// Checks that the layer of a registered model, which is used as it is, meets no link or file of the base on its way.
fn fits(model: &Model, base: &RootFs) -> Result<()> {
    let path = format!("{MODELS_ROOT}/{}/{}", model.folder(), model.basename);
    let in_the_way = path.match_indices('/').map(|(end, _)| &path[..end]).any(|folder| {
        base.place(folder) != folder
            || base
                .find(folder)
                .is_some_and(|found| found.path != folder || found.entry.kind != Kind::Directory)
    });
    if in_the_way {
        return Err(Error::ModelFolderTaken { model: format!("{}:{}", model.name, model.version) });
    }
    Ok(())
}

/// Returns the layers of packages, beside `others` new layers.
fn environment_layer(inputs: &Inputs<'_>, others: usize) -> Result<PlannedLayer> {
    let others = inputs.base.image.layers.len() + others;
    if others >= MAX_LAYERS {
        return Err(Error::TooManyLayers { found: others + 1, limit: MAX_LAYERS });
    }
    let budget = inputs.environment_layers.min(SOFT_MAX_LAYERS.saturating_sub(others)).max(1);
    let Inputs { version, mtime, options, .. } = *inputs;
    let made_by = Maker { version, mtime, options };
    let layers = EnvironmentLayers::of(inputs.environment, &inputs.base.root, made_by, budget);
    Ok(PlannedLayer {
        role: Role::Packages,
        title: Some(format!("in at most {budget} layers")),
        content: LayerContent::Environment(layers),
    })
}

/// Returns the record, without layers and with placeholders for the digests of models.
fn record(inputs: &Inputs<'_>, models: &[&Model]) -> Record {
    let Inputs { project, base, environment, .. } = *inputs;
    let unwritten = DiffId(Digest::of(b""));
    let model = |model: &&Model| ModelRecord {
        name: model.name.clone(),
        version: model.version,
        entry: model.basename.clone(),
        size: model.size(),
        digest: unwritten,
    };
    let package = |name: &str, version: &str, build: Option<&str>| PackageRecord {
        name: name.to_owned(),
        version: version.to_owned(),
        build: build.map(str::to_owned),
    };
    let (conda, pip) = (environment.conda.iter(), environment.packages.iter());
    Record {
        format: RECORD_FORMAT,
        mlpack: inputs.version.to_owned(),
        base: BaseRecord {
            name: base.name.clone(),
            digest: base.image.digest,
            facts: base.facts.lines(),
        },
        policy: inputs.policy.clone(),
        entry_script: project.entry_script_in_image().unwrap_or_default(),
        source_directory: project.source_directory.as_ref().map(|source| source.name.clone()),
        server: project.server,
        models: models.iter().map(model).collect(),
        python: python(environment),
        conda_packages: conda.map(|p| package(&p.name, &p.version, Some(&p.build))).collect(),
        packages: pip.map(|p| package(&p.name, &p.version, None)).collect(),
        layers: Vec::new(),
    }
}

fn python(environment: &LockedEnvironment) -> PythonRecord {
    let target = &environment.target;
    PythonRecord {
        version: target.python.to_string(),
        interpreter: target.interpreter.clone(),
        prefix: environment.prefix.clone(),
    }
}

impl Plan {
    /// Returns the plan as lines of text, with every default.
    pub fn lines(&self) -> Vec<String> {
        let record = &self.record;
        let base = record.base.name.as_deref().unwrap_or("local image");
        let mut lines = vec![
            format!("base         {base} ({})", record.base.digest),
            format!("python       {} at {}", record.python.version, record.python.interpreter),
            format!(
                "             {}: {}",
                if record.is_new() { "new" } else { "the base's" },
                self.why
            ),
            format!(
                "environment  {}packages in {}",
                match record.conda_packages.len() {
                    0 => format!("{} ", record.packages.len()),
                    conda => format!("{conda} conda and {} pip ", record.packages.len()),
                },
                record.python.prefix
            ),
            format!("entry script {APP_ROOT}/{}", record.entry_script),
            format!("server       {}", record.server.name()),
        ];
        for model in &record.models {
            lines.push(format!("model        {}:{} = {}", model.name, model.version, model.entry));
        }
        for layer in &self.layers {
            let title = layer.title.as_deref().map(|title| format!(" {title}")).unwrap_or_default();
            lines.push(format!("layer        {}{title}", layer.role.name()));
        }
        for line in self.variables.lines() {
            lines.push(format!("env          {line}"));
        }
        lines
    }
}
