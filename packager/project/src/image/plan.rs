//! Everything decided, nothing done: which layers, in which order, and what the image says.

use std::collections::BTreeMap;

use mlpack_lock::LockedEnvironment;
use mlpack_oci::layer::{Compression, Tree};
use mlpack_oci::rootfs::RootFs;
use mlpack_oci::{DiffId, Digest, Image};

use super::config::{self, Variables};
use super::environment_layers::EnvironmentLayers;
use super::graft::graft;
use super::{
    APP_ROOT, BaseRecord, ModelRecord, PolicyRecord, PythonRecord, Record, Role, Templates, app,
};
use crate::base::BaseFacts;
use crate::project::Project;
use crate::project::docker_steps::Step;
use crate::{Error, Result};

/// Layers of base and image together that every runtime mounts (docs/pitfalls.md#29).
const MAX_LAYERS: usize = 125;

/// Layers of base and image together that the environment does not go beyond: some runtimes and
/// long paths of snapshots allow fewer than others (docs/pitfalls.md#29).
const COMFORTABLE_LAYERS: usize = 100;

/// Layers of an environment, if nothing else is said.
pub const ENVIRONMENT_LAYERS: usize = 12;

/// Version of the form of [`Record`].
const RECORD_FORMAT: u32 = 1;

/// A base that was read.
pub struct Base {
    /// Its reference where that is true on any machine: of a registry or an engine.
    pub name: Option<String>,
    /// The image.
    pub image: Image,
    /// Its merged file system.
    pub root: RootFs,
    /// What it offers.
    pub facts: BaseFacts,
}

/// What a plan is made of.
pub struct Inputs<'a> {
    /// What the user has.
    pub project: &'a Project,
    /// What it stands on.
    pub base: &'a Base,
    /// Extra Dockerfile lines, evaluated on that base.
    pub steps: &'a [Step],
    /// The packages, resolved for that base.
    pub environment: &'a LockedEnvironment,
    /// What of the options of laying shows in the layer; empty without any.
    pub options: &'a str,
    /// Why the interpreter is the base's or a new one.
    pub why: &'a str,
    /// Layers the environment may have.
    pub environment_layers: usize,
    /// Variables of the conda file.
    pub variables: &'a BTreeMap<String, String>,
    /// The policy and what of it was let pass.
    pub policy: PolicyRecord,
    /// Version of mlpack.
    pub version: &'a str,
    /// `templates/`.
    pub templates: &'a Templates,
    /// Modification time of every entry, in seconds since 1970.
    pub mtime: u64,
}

/// Everything about the new image but its bytes.
pub struct Plan {
    /// The record, whose layers and model digests are filled when they are written.
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
    /// How it is stored.
    pub compression: Compression,
    /// What is in it.
    pub(super) content: LayerContent,
}

/// Where a layer's tree comes from.
pub(super) enum LayerContent {
    /// It is here.
    Tree(Tree),
    /// Several layers made of packages, which need not be fetched if they were written before.
    Environment(EnvironmentLayers),
}

/// Decides everything.
///
/// # Errors
/// If sources cannot be listed, paths collide, a template fails, or layers are too many.
pub fn plan(inputs: &Inputs<'_>) -> Result<Plan> {
    let Inputs { project, base, steps, environment, templates, .. } = *inputs;
    let entry_script = project.entry_script_in_image().unwrap_or_default();
    let source_directory = project.source_directory.as_ref().map(|source| source.name.clone());
    let tree = |role, tree: &Tree| -> Result<PlannedLayer> {
        Ok(PlannedLayer {
            role,
            title: None,
            compression: Compression::Gzip,
            content: LayerContent::Tree(graft(tree, &base.root)?),
        })
    };
    let mut layers = vec![tree(Role::Server, &app::server(templates)?)?];
    let copied = app::steps(steps)?;
    if !copied.is_empty() {
        layers.push(tree(Role::Steps, &copied)?);
    }
    // By name and version, so that the order of flags does not show.
    let models: BTreeMap<_, _> =
        project.models.iter().map(|model| ((model.name.as_str(), model.version), model)).collect();
    for model in models.values() {
        let mut layer = tree(Role::Model, &app::model(model)?)?;
        layer.title = Some(format!("{}:{}", model.name, model.version));
        layer.compression = Compression::Probe;
        layers.push(layer);
    }
    let files = project.source_files()?;
    let code = app::code(&files, &entry_script, source_directory.as_deref(), templates)?;
    layers.push(tree(Role::Code, &code)?);
    let others = base.image.layers.len() + layers.len();
    if others >= MAX_LAYERS {
        return Err(Error::TooManyLayers { found: others + 1, limit: MAX_LAYERS });
    }
    let budget = inputs.environment_layers.min(COMFORTABLE_LAYERS.saturating_sub(others)).max(1);
    let packages = EnvironmentLayers::of(environment, &base.root, inputs, budget);
    layers.insert(
        0,
        PlannedLayer {
            role: Role::Packages,
            title: Some(format!("in at most {budget} layers")),
            compression: Compression::Gzip,
            content: LayerContent::Environment(packages),
        },
    );
    let unwritten = DiffId(Digest::of(b""));
    let record = Record {
        format: RECORD_FORMAT,
        mlpack: inputs.version.to_owned(),
        base: BaseRecord {
            name: base.name.clone(),
            digest: base.image.digest,
            facts: base.facts.lines(),
        },
        policy: inputs.policy.clone(),
        entry_script,
        source_directory,
        models: models
            .values()
            .map(|model| ModelRecord {
                name: model.name.clone(),
                version: model.version,
                entry: model.basename.clone(),
                size: model.size(),
                digest: unwritten,
            })
            .collect(),
        python: python(environment),
        conda_packages: environment
            .conda
            .iter()
            .map(|package| format!("{}={}={}", package.name, package.version, package.build))
            .collect(),
        packages: environment
            .packages
            .iter()
            .map(|package| format!("{}=={}", package.name, package.version))
            .collect(),
        layers: Vec::new(),
    };
    let own = [inputs.variables, &project.environment_variables];
    let variables = config::variables(&base.facts, steps, &record, &own);
    let why = inputs.why.to_owned();
    Ok(Plan { record, layers, mtime: inputs.mtime, why, variables, steps: steps.to_vec() })
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
    /// The plan as lines for people, every default visible.
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
