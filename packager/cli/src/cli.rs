//! The command line as a whole: global options and verbs.

use std::ffi::OsString;

use clap::{CommandFactory as _, FromArgMatches as _, Parser};

use crate::commands::Command;
use crate::context::Global;
use crate::single_dash;

const EXAMPLES: &str = "\
Examples:
  mlpack quickstart                      Create, package and run a sample project
  mlpack init my-service                 Create a new project
  mlpack check --inference-config inferenceconfig.json -m digits=digits.onnx
  mlpack package --inference-config inferenceconfig.json -m digits=digits.onnx \\
                 --output registry.example.com/team/digits:v1
  mlpack model deploy --name digits --inference-config inferenceconfig.json \\
                 --deploy-config deploymentconfig.json -m digits=digits.onnx
  mlpack inspect registry.example.com/team/digits:v1

Exit codes: 0 success, 1 failure, 2 wrong usage, 3 a check or requirement failed,
4 a service did not start or answered with an error.";

/// Build a container image from a machine-learning model and run it as a web service
#[derive(Debug, Parser)]
#[command(name = "mlpack", version, after_help = EXAMPLES, propagate_version = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Parses the arguments. Prints the help and exits with 0 if there are none, or prints a usage
/// error and exits with 2.
pub(crate) fn parse(argv: impl IntoIterator<Item = OsString>) -> Cli {
    let mut command = Cli::command();
    command.build();
    let mut argv = single_dash::normalize(&command, argv);
    if argv.len() < 2 {
        argv.push("-h".into());
    }
    let matches = with_full_usage(command).get_matches_from(argv);
    Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
}

/// Makes usage errors show the usage line of the help. By default clap lists the options that were
/// given, global ones too, instead of those that the verb has.
fn with_full_usage(mut command: clap::Command) -> clap::Command {
    let usage = command.render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ").to_owned();
    command.override_usage(usage).mut_subcommands(with_full_usage)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Cli::command().debug_assert();
    }
}
