//! `mlpack model list | show | update | download | delete`.

use std::path::PathBuf;

use mlpack_models::{ModelRecord, RegisteredModel, Selector, Workspace, is_alias};
use mlpack_workflow::models::{self, pairs};
use mlpack_workflow::{ModelArgument, Session};
use serde_json::json;

use crate::args::{AzureArgs, FilterArgs, OutputArgs, RegistryArgs, WorkspaceArgs};
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::render;

/// What every command on registered models has.
#[derive(Debug, clap::Args)]
struct Common {
    #[command(flatten)]
    workspace: WorkspaceArgs,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    azure: AzureArgs,
    #[command(flatten)]
    registry: RegistryArgs,
}

impl Common {
    fn open(&self, context: &Context) -> Result<(Session, Workspace)> {
        self.azure.warn(context.format);
        let session = self.workspace.add_to(context.session(&self.registry)?);
        let workspace = models::open(&session)?;
        Ok((session, workspace))
    }
}

const LIST_EXAMPLES: &str = "\
Examples:
  mlpack model list
  mlpack model list -n digits --latest
  mlpack model list --tag stage=test --query '[].id' -o tsv";

/// List models and their versions
#[derive(Debug, clap::Args)]
#[command(after_help = LIST_EXAMPLES)]
pub(super) struct ListArgs {
    /// Only this model
    #[arg(long, short, visible_alias = "model-name")]
    name: Option<String>,
    #[command(flatten)]
    filter: FilterArgs,
    /// Only models of this run
    #[arg(long, value_name = "ID")]
    run_id: Option<String>,
    /// Only the newest version of each model
    #[arg(long, short)]
    latest: bool,
    #[command(flatten)]
    common: Common,
}

pub(super) fn list(context: &Context, args: &ListArgs) -> Result<()> {
    let (session, workspace) = args.common.open(context)?;
    let mut records: Vec<ModelRecord> = Vec::new();
    for model in workspace.list(args.name.as_deref())? {
        let record = model.record;
        let kept = args.filter.accepts(&record.tags, &record.properties)
            && (args.run_id.is_none() || record.run_id == args.run_id);
        if !kept {
            continue;
        }
        // Versions of a name come one after another.
        if args.latest && records.last().is_some_and(|last| last.name == record.name) {
            records.pop();
        }
        records.push(record);
    }
    let values: Vec<_> = records.iter().map(render::model_value).collect();
    args.common
        .output
        .print(context.format, &json!(values), |_| render::models(&records, &session.now))
}

const SHOW_EXAMPLES: &str = "\
Examples:
  mlpack model show -n digits
  mlpack model show -i digits:3
  mlpack model show -i digits@champion --format json";

/// Show one version of a model
#[derive(Debug, clap::Args)]
#[command(after_help = SHOW_EXAMPLES, disable_version_flag = true)]
pub(super) struct ShowArgs {
    /// NAME:VERSION or NAME@ALIAS
    #[arg(long, short = 'i', value_name = "ID", required_unless_present = "name")]
    model_id: Option<String>,
    /// Model name, for its newest version
    #[arg(long, short, visible_alias = "model-name", conflicts_with = "model_id")]
    name: Option<String>,
    /// Version of the model
    // `--version` is clap's otherwise.
    #[arg(long = "version", value_name = "NUMBER", requires = "name")]
    of_version: Option<u32>,
    #[command(flatten)]
    common: Common,
}

pub(super) fn show(context: &Context, args: &ShowArgs) -> Result<()> {
    let (_, workspace) = args.common.open(context)?;
    let model = match (&args.name, args.of_version) {
        (Some(name), Some(version)) => workspace.find(name, &Selector::Version(version))?,
        (name, _) => by_id(&workspace, name.as_ref().or(args.model_id.as_ref()))?,
    };
    print(context, &args.common, &model.record)
}

const UPDATE_EXAMPLES: &str = "\
Examples:
  mlpack model update -i digits:3 --add-tag stage=production --remove-tag draft
  mlpack model update -i digits:3 --alias champion";

/// Change tags, properties, aliases or the description of a version
#[derive(Debug, clap::Args)]
#[command(after_help = UPDATE_EXAMPLES)]
pub(super) struct UpdateArgs {
    /// NAME:VERSION or NAME@ALIAS
    #[arg(long, short = 'i', value_name = "ID")]
    model_id: String,
    /// Add or replace a tag (can be repeated)
    #[arg(long = "add-tag", value_name = "KEY=VALUE")]
    add_tags: Vec<String>,
    /// Remove a tag (can be repeated)
    #[arg(long = "remove-tag", value_name = "KEY")]
    remove_tags: Vec<String>,
    /// Add a property; an existing one cannot change (can be repeated)
    #[arg(long = "add-property", value_name = "KEY=VALUE")]
    add_properties: Vec<String>,
    /// Description
    #[arg(long, short)]
    description: Option<String>,
    /// Let this alias name the version (can be repeated)
    #[arg(long = "alias", value_name = "ALIAS")]
    aliases: Vec<String>,
    /// Cores that a service of it needs
    #[arg(long, visible_alias = "cc", value_name = "NUMBER")]
    cpu_cores: Option<f64>,
    /// Memory that a service of it needs, in GB
    #[arg(long, visible_alias = "gb", value_name = "NUMBER")]
    memory_gb: Option<f64>,
    /// GPUs that a service of it needs
    #[arg(long, visible_alias = "gc", value_name = "NUMBER")]
    gpu_cores: Option<u32>,
    #[command(flatten)]
    common: Common,
}

pub(super) fn update(context: &Context, args: &UpdateArgs) -> Result<()> {
    let tags = pairs("--add-tag", &args.add_tags)?;
    let properties = pairs("--add-property", &args.add_properties)?;
    if let Some(alias) = args.aliases.iter().find(|alias| !is_alias(alias)) {
        return Err(Failure::usage(
            format!("invalid alias `{alias}`"),
            "begin with a letter, then letters, digits, `-`, `.` and `_`; `latest` is built in",
        ));
    }
    let (_, workspace) = args.common.open(context)?;
    let found = by_id(&workspace, Some(&args.model_id))?.record;
    let model = workspace.update(&found.name, found.version, &|record| {
        record.add_properties(&properties)?;
        record.tags.retain(|key, _| !args.remove_tags.contains(key));
        record.tags.extend(tags.clone());
        if args.description.is_some() {
            record.description.clone_from(&args.description);
        }
        let resources = &mut record.resource_requirements;
        resources.cpu = args.cpu_cores.or(resources.cpu);
        resources.memory_in_gb = args.memory_gb.or(resources.memory_in_gb);
        resources.gpu = args.gpu_cores.or(resources.gpu);
        Ok(())
    })?;
    for alias in &args.aliases {
        workspace.set_alias(&found.name, alias, found.version)?;
    }
    print(context, &args.common, &model.record)
}

const DOWNLOAD_EXAMPLES: &str = "\
Examples:
  mlpack model download -i digits:3 -t models
  mlpack model download -i digits@champion -t . --overwrite";

/// Download the file or folder of a model
#[derive(Debug, clap::Args)]
#[command(after_help = DOWNLOAD_EXAMPLES)]
pub(super) struct DownloadArgs {
    /// NAME:VERSION or NAME@ALIAS
    #[arg(long, short = 'i', value_name = "ID")]
    model_id: String,
    /// Folder to write to
    #[arg(long, short, value_name = "DIR")]
    target_dir: PathBuf,
    /// Replace an existing file or folder
    #[arg(long)]
    overwrite: bool,
    #[command(flatten)]
    common: Common,
}

pub(super) fn download(context: &Context, args: &DownloadArgs) -> Result<()> {
    let (session, workspace) = args.common.open(context)?;
    let model = by_id(&workspace, Some(&args.model_id))?;
    let path = models::download(&session, &model, &args.target_dir, args.overwrite)?;
    let path = session.relative(&path);
    args.common.output.print(context.format, &json!({ "path": path }), |_| path.clone())
}

const DELETE_EXAMPLES: &str = "\
Examples:
  mlpack model delete -i digits:3
  mlpack model delete -i digits:3 && mlpack workspace gc";

/// Delete a version of a model; its number is never used again
#[derive(Debug, clap::Args)]
#[command(after_help = DELETE_EXAMPLES)]
pub(super) struct DeleteArgs {
    /// NAME:VERSION or NAME@ALIAS
    #[arg(long, short = 'i', value_name = "ID")]
    model_id: String,
    /// Delete it although services or images use it
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    common: Common,
}

pub(super) fn delete(context: &Context, args: &DeleteArgs) -> Result<()> {
    let (session, workspace) = args.common.open(context)?;
    let model = by_id(&workspace, Some(&args.model_id))?;
    models::delete(&session, &workspace, &model, args.force)?;
    let id = model.record.id();
    args.common.output.print(context.format, &json!({ "id": id }), |_| format!("{id} deleted"))
}

fn by_id(workspace: &Workspace, id: Option<&String>) -> Result<RegisteredModel> {
    let (name, selector) = ModelArgument::id(id.map_or("", String::as_str))?;
    Ok(workspace.find(&name, &selector)?)
}

fn print(context: &Context, common: &Common, record: &ModelRecord) -> Result<()> {
    common.output.print(context.format, &render::model_value(record), |_| render::model(record))
}
