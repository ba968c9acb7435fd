//! `mlpack model register`: a file or folder becomes a version of a model.

use std::path::{Path, PathBuf};

use mlpack_model_source::Login;
use mlpack_model_source::mlflow::{Query, is_near};
use mlpack_models::Resources;
use mlpack_oci::Secret;
use mlpack_workflow::models::{self, ModelSource, RegisterRequest, pairs};
use serde_json::json;

use crate::args::{AzureArgs, OutputArgs, RegistryArgs, WorkspaceArgs};
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::render;
use crate::settings::variable;

const EXAMPLES: &str = "\
Examples:
  mlpack model register -n digits -p digits.onnx
  mlpack model register -n digits -p outputs/model --tag stage=test --model-framework Onnx
  mlpack model register -n digits -p digits.onnx -t model.json
  mlpack model register -n digits -p https://example.com/models/digits.tar.gz --unpack
  mlpack model register -n digits --experiment-name digits --asset-path outputs/model.pkl \\
                        --tracking-uri http://localhost:5000

Prints the record; `-t` also writes a file for `mlpack model deploy -f`. The first model of a folder creates the workspace
`.mlpack` there.";

/// Register a file or folder as the next version of a model
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Model name
    #[arg(long, short)]
    name: String,
    /// File or folder of the model, or the URL of a file
    #[arg(long, short = 'p', value_name = "PATH|URL", required_unless_present = "asset_path")]
    model_path: Option<String>,
    /// Artifact of a run of MLflow, as in outputs/model.pkl, or the name of a model that the run logged; a file or folder
    /// where there is no MLflow
    #[arg(long, value_name = "PATH", conflicts_with = "model_path")]
    asset_path: Option<String>,
    /// Runs of MLflow: the URL of a server, `sqlite:///FILE`, or an `mlruns` folder [env: MLFLOW_TRACKING_URI] [default:
    /// mlflow.db or mlruns in the current directory]
    #[arg(long, value_name = "URI")]
    tracking_uri: Option<String>,
    /// Unpack a .tar.gz archive, and register what is in it
    #[arg(long)]
    unpack: bool,
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
    let tracking = args.tracking_uri.clone().or_else(|| variable("MLFLOW_TRACKING_URI"));
    let query = Query {
        store: tracking,
        experiment: experiment.clone(),
        run: run.clone(),
        artifact: args.asset_path.clone().unwrap_or_default(),
    };
    let request = RegisterRequest {
        name: args.name.clone(),
        source: args.source(query, &session.cwd),
        login: login(),
        is_packed: args.unpack,
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
        mlpack_oci::pending::write_durably(&path, format!("{document:#}\n").as_bytes())
            .map_err(Failure::io("write", file.display()))?;
    }
    args.output.print(context.format, &render::model_value(&model.record), |_| {
        render::model(&model.record)
    })
}

/// Returns how a tracking server knows the user, as MLflow's own client reads it.
fn login() -> Login {
    let secret = |name: &str| variable(name).map(Secret::new);
    Login {
        token: secret("MLFLOW_TRACKING_TOKEN"),
        username: variable("MLFLOW_TRACKING_USERNAME"),
        password: secret("MLFLOW_TRACKING_PASSWORD"),
    }
}

impl Args {
    /// Returns where the model is: `--asset-path` is an artifact if MLflow is named, or if there is no such file here.
    fn source(&self, query: Query, cwd: &Path) -> ModelSource {
        if let Some(written) = &self.model_path {
            return match written.starts_with("http://") || written.starts_with("https://") {
                true => ModelSource::Url(written.clone()),
                false => ModelSource::Path(written.into()),
            };
        }
        let is_named = query.run.is_some() || query.experiment.is_some();
        let is_run = match query.store {
            Some(_) => true,
            None => is_named && !cwd.join(&query.artifact).exists() && is_near(cwd),
        };
        match is_run {
            true => ModelSource::Run(query),
            false => ModelSource::Path(query.artifact.into()),
        }
    }

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
