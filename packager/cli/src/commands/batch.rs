//! `mlpack batch`: many inputs through an image, without a service.

use std::path::PathBuf;

use mlpack_workflow::batch::{BatchInput, BatchRequest, BatchSummary, start};
use serde_json::json;

use crate::args::{IMAGES, RegistryArgs, variables};
use crate::context::Context;
use crate::failure::Result;
use crate::{output, signals};

const EXAMPLES: &str = "\
Examples:
  mlpack batch run --image docker:digits --input images --output results
  mlpack batch run --image oci:out --input 'data/*.json' --output results --workers 4
  mlpack batch run --image registry.example.com/team/digits:v1 --lines requests.jsonl --output results

The image runs in the Docker engine of this machine. Each file, or each line, goes through run(data), or a group of them
through run(mini_batch); results are in results/predictions.jsonl, a line for each item, in order. A batch that was ended
goes on where it stopped: give the same command again.";

/// Run many inputs through an image
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Run(Box<RunArgs>),
}

/// Run each file of a folder, or each line of a file, through an image
#[derive(Debug, clap::Args)]
#[command(after_help = format!("{EXAMPLES}\n{IMAGES}"))]
struct RunArgs {
    /// Image to run
    #[arg(long, short)]
    image: String,
    /// Files: a folder, a pattern in quotes, or a file with one path a line
    #[arg(long, value_name = "FILES", required_unless_present = "lines")]
    input: Option<String>,
    /// File of which each line is an input
    #[arg(long, value_name = "FILE", conflicts_with = "input")]
    lines: Option<PathBuf>,
    /// Folder of the results, which are never among the inputs
    #[arg(long, value_name = "DIR")]
    output: PathBuf,
    /// Inputs in one group: one call of run(mini_batch), and what a restart repeats
    #[arg(long, default_value_t = 10, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    mini_batch_size: u64,
    /// Processes that run the script
    #[arg(long, default_value_t = 1, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=256))]
    workers: u32,
    /// How many inputs may fail before the batch ends; -1 for any number
    #[arg(long, default_value_t = -1, value_name = "NUMBER", allow_hyphen_values = true, value_parser = clap::value_parser!(i64).range(-1..))]
    error_threshold: i64,
    /// Set an environment variable of the script (can be repeated)
    #[arg(long = "env", value_name = "NAME=VALUE")]
    environment_variables: Vec<String>,
    #[command(flatten)]
    registry: RegistryArgs,
}

pub(super) fn run(context: &Context, args: &Args) -> Result<()> {
    let Command::Run(args) = &args.command;
    let session = context.session(&args.registry)?;
    let input = match (&args.lines, &args.input) {
        (Some(file), _) => BatchInput::Lines(file.clone()),
        (None, input) => BatchInput::Files(input.clone().unwrap_or_default()),
    };
    let request = BatchRequest {
        image: session.locate(&args.image)?,
        input,
        output: args.output.clone(),
        mini_batch_size: args.mini_batch_size,
        workers: args.workers,
        error_threshold: args.error_threshold,
        environment: variables(&args.environment_variables)?.into_iter().collect(),
    };
    let batch = start(&session, &request)?;
    signals::before_end(batch.stop(&session));
    let summary = batch.wait(&session)?;
    output::result(context.format, &json!(summary), |_| text(&summary));
    Ok(())
}

fn text(summary: &BatchSummary) -> String {
    let BatchSummary { items, failed, seconds, output } = summary;
    format!(
        "items    {items}\nfailed   {failed}\nseconds  {seconds}\noutput   {}",
        output.display()
    )
}
