//! `mlpack model register`: a file or folder becomes a version of a model.

use std::path::PathBuf;

use mlpack_models::Resources;
use mlpack_workflow::models::{self, RegisterRequest, pairs};
use serde_json::json;

use crate::args::{AzureArgs, OutputArgs, RegistryArgs, WorkspaceArgs};
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::render;

const EXAMPLES: &str = "\
Examples:
  mlpack model register -n digits -p digits.onnx
  mlpack model register -n digits -p outputs/model --tag stage=test --model-framework Onnx
  mlpack model register -n digits -p digits.onnx -t model.json

Prints the record; `-t` also writes a file for `mlpack model deploy -f`. The first model of a folder creates the workspace
`.mlpack` there.";

/// Register a file or folder as the next version of a model
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Model name
    #[arg(long, short)]
    name: String,
    /// File or folder of the model
    #[arg(long, short = 'p', value_name = "PATH", required_unless_present = "asset_path")]
    model_path: Option<PathBuf>,
    /// File or folder of the model as a run wrote it, as in outputs/model.pkl
    #[arg(long, value_name = "PATH", conflicts_with = "model_path")]
    asset_path: Option<PathBuf>,
    /// Description
    #[arg(long, short)]
    description: Option<String>,
    /// Add a label that may change later (can be repeated)
    #[arg(long = "tag", value_name = "KEY=VALUE")]
    tags: Vec<String>,
    /// Add a label that never changes (can be repeated)
    #[arg(long = "property", value_name = "KEY=VALUE")]
    properties: Vec<String>,
    /// Framework, as in `ScikitLearn` or `Onnx`
    #[arg(long, value_name = "NAME")]
    model_framework: Option<String>,
    /// Version of the framework
    #[arg(long, value_name = "VERSION")]
    model_framework_version: Option<String>,
    /// Cores that a service of it needs
    #[arg(long, visible_alias = "cc", value_name = "NUMBER")]
    cpu_cores: Option<f64>,
    /// Memory that a service of it needs, in GB
    #[arg(long, visible_alias = "gb", value_name = "NUMBER")]
    memory_gb: Option<f64>,
    /// GPUs that a service of it needs
    #[arg(long, visible_alias = "gc", value_name = "NUMBER")]
    gpu_cores: Option<u32>,
    /// Experiment whose run made it
    #[arg(long, value_name = "NAME")]
    experiment_name: Option<String>,
    /// Run that made it
    #[arg(long, short, value_name = "ID")]
    run_id: Option<String>,
    /// File with the experiment and the run that made it, as `az ml run submit -t` writes it
    #[arg(long, short = 'f', value_name = "FILE")]
    run_metadata_file: Option<PathBuf>,
    /// Where a sample of its input is
    #[arg(long, value_name = "ID")]
    sample_input_dataset_id: Option<String>,
    /// Where a sample of its output is
    #[arg(long, value_name = "ID")]
    sample_output_dataset_id: Option<String>,
    /// Write the record to a file, for `mlpack model deploy -f`
    #[arg(long, short = 't', value_name = "FILE")]
    output_metadata_file: Option<PathBuf>,
    #[command(flatten)]
    workspace: WorkspaceArgs,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    azure: AzureArgs,
    #[command(flatten)]
    registry: RegistryArgs,
}

pub(super) fn run(context: &Context, args: &Args) -> Result<()> {
    args.azure.warn(context.format);
    let session = args.workspace.add_to(context.session(&args.registry)?);
    let (experiment, run) = args.run_of(context)?;
    let path = args.model_path.as_ref().or(args.asset_path.as_ref());
    let request = RegisterRequest {
        name: args.name.clone(),
        path: path.cloned().unwrap_or_default(),
        description: args.description.clone(),
        tags: pairs("--tag", &args.tags)?,
        properties: pairs("--property", &args.properties)?,
        framework: args.model_framework.clone(),
        framework_version: args.model_framework_version.clone(),
        resources: Resources {
            cpu: args.cpu_cores,
            memory_in_gb: args.memory_gb,
            gpu: args.gpu_cores,
        },
        experiment_name: experiment,
        run_id: run,
        sample_input_dataset_id: args.sample_input_dataset_id.clone(),
        sample_output_dataset_id: args.sample_output_dataset_id.clone(),
    };
    let model = models::register(&session, &request)?;
    if let Some(file) = &args.output_metadata_file {
        let info = models::open(&session)?.info;
        let document = json!({
            "modelId": model.record.id(),
            "workspaceName": info.workspace_name,
            "resourceGroupName": info.resource_group_name,
        });
        let path = session.cwd.join(file);
        mlpack_oci::pending::write_atomically(&path, format!("{document:#}\n").as_bytes())
            .map_err(Failure::io("write", file.display()))?;
    }
    args.output.print(context.format, &render::model_value(&model.record), |_| {
        render::model(&model.record)
    })
}

impl Args {
    /// Returns experiment and run, from the flags or from the file of a run.
    fn run_of(&self, context: &Context) -> Result<(Option<String>, Option<String>)> {
        let (mut experiment, mut run) = (self.experiment_name.clone(), self.run_id.clone());
        if let Some(file) = &self.run_metadata_file {
            let text = std::fs::read_to_string(context.cwd()?.join(file))
                .map_err(Failure::io("read", file.display()))?;
            let document: serde_json::Value = serde_json::from_str(&text).map_err(|error| {
                Failure::usage(
                    format!("{}: {error}", file.display()),
                    "name the file that a run's submission wrote, with `run_id`",
                )
            })?;
            let key = |name: &str| document[name].as_str().map(str::to_owned);
            experiment = experiment.or_else(|| key("_experiment_name"));
            run = run.or_else(|| key("run_id"));
        }
        Ok((experiment, run))
    }
}
