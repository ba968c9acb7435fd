//! `mlpack model profile`: measures what a service of models needs (docs/azureml-2019.md#1.4).

use std::collections::BTreeMap;
use std::time::Duration;

use mlpack_deploy::{Measured, Request};
use mlpack_oci::pending::write_durably;
use mlpack_workflow::{DeployRequest, Destination, PackageRequest, deploy, package, profile};
use serde_json::{Value, json};

use crate::args::{AzureArgs, LockUseArgs, OutputArgs, ProjectArgs, RegistryArgs, data};
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::output;

const EXAMPLES: &str = "\
Examples:
  mlpack model profile -n digits -m digits:3 --ic inferenceconfig.json -d '{\"data\": [[1, 2]]}'
  mlpack model profile -n digits -m digits:3 --ic inferenceconfig.json -d @sample.json -t profile.json
  mlpack model deploy -n digits -m digits:3 --ic inferenceconfig.json --profile-input profile.json

The image runs in the Docker engine of this machine while two clients send the data. Recommended are the cores that it used
then, and the most memory that it used and a quarter more.";

/// Measure the cores and the memory that a service of models needs
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Name of the profile
    #[arg(long, short)]
    name: String,
    /// Data to send, `@FILE`, or `-` for standard input
    #[arg(long, short = 'd', value_name = "DATA")]
    input_data: String,
    /// Content type of the data
    #[arg(long, default_value = "application/json")]
    content_type: String,
    /// Seconds to send requests
    #[arg(long, default_value_t = 10, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3_600))]
    duration: u64,
    /// Write the profile to a file, for `mlpack model deploy --profile-input`
    #[arg(long, short = 't', value_name = "FILE")]
    output_metadata_file: Option<String>,
    #[command(flatten)]
    project: ProjectArgs,
    #[command(flatten)]
    lock_use: LockUseArgs,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    registry: RegistryArgs,
    #[command(flatten)]
    azure: AzureArgs,
}

pub(super) fn run(context: &Context, args: &Args) -> Result<()> {
    args.azure.warn(context.format);
    let request = Request {
        data: data(&context.cwd()?, &args.input_data)?,
        content_type: args.content_type.clone(),
        timeout: Duration::from_secs(60),
    };
    let session = context.packaging(&args.registry, Some(&args.project))?;
    let deployment = DeployRequest {
        environment: BTreeMap::new(),
        // What a profile that was killed left.
        overwrite: true,
        ..DeployRequest::new(&format!("profile-{}", args.name))
    };
    let deployment = deploy::plan(&session, deployment)?;
    let destination =
        Destination { output: None, keep_base_layers: true, target: deployment.compute_target() };
    let packaging = PackageRequest { destination, ..args.project.packaging(args.lock_use)? };
    let plan = package::plan(&session, &packaging)?;
    deploy::warn_azure_only(&session, plan.azure_only);
    let packaged = package::execute(&session, plan, deployment.destination())?;
    let duration = Duration::from_secs(args.duration);
    let measured = profile::execute(&session, deployment, &packaged.image, &request, duration)?;
    let value = value(&args.name, &measured);
    if let Some(file) = &args.output_metadata_file {
        let path = session.cwd.join(file);
        write_durably(&path, format!("{value:#}\n").as_bytes())
            .map_err(Failure::io("write", file))?;
    }
    args.output.print(context.format, &value, |_| text(&args.name, &measured))
}

/// Returns the profile with the keys of Azure ML's.
fn value(name: &str, measured: &Measured) -> Value {
    let rounded = |value: f64| (value * 1e3).round() / 1e3;
    let count = measured.latencies.len();
    json!({
        "name": name,
        "state": "Succeeded",
        "totalQueries": count,
        "successQueries": count,
        "successRate": 100,
        "measuredQueriesPerSecond": rounded(measured.throughput()),
        "averageLatencyInMs": rounded(measured.mean()),
        "latencyPercentile50InMs": rounded(measured.percentile(0.5)),
        "latencyPercentile90InMs": rounded(measured.percentile(0.9)),
        "latencyPercentile95InMs": rounded(measured.percentile(0.95)),
        "latencyPercentile99InMs": rounded(measured.percentile(0.99)),
        "maxUtilizedCpu": rounded(measured.cores()),
        "maxUtilizedMemoryInGB": rounded(measured.memory_in_gb()),
        "recommendedCpu": measured.recommended_cpu(),
        "recommendedMemoryInGB": measured.recommended_memory_in_gb(),
    })
}

fn text(name: &str, measured: &Measured) -> String {
    let milliseconds = |part: f64| format!("{:.2} ms", measured.percentile(part));
    let rows = [
        ("name", name.to_owned()),
        (
            "requests",
            format!("{} ({:.0} per second)", measured.latencies.len(), measured.throughput()),
        ),
        (
            "latency",
            format!(
                "{} median, {} p95, {} p99",
                milliseconds(0.5),
                milliseconds(0.95),
                milliseconds(0.99)
            ),
        ),
        ("used", format!("{:.2} cores, {}", measured.cores(), output::size(measured.peak_memory))),
        (
            "recommended",
            format!(
                "--cpu-cores {} --memory-gb {}",
                measured.recommended_cpu(),
                measured.recommended_memory_in_gb()
            ),
        ),
    ];
    output::table(&[], rows.into_iter().map(|(key, value)| vec![key.to_owned(), value]))
}
