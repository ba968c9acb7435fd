//! `mlpack lock`: writes the exact packages of a project, upgrades them, or checks them.

use mlpack_workflow::counted;
use mlpack_workflow::lock::{Plan, Request, State, Update, execute, plan};

use crate::args::{ProjectArgs, RegistryArgs};
use crate::context::Context;
use crate::failure::Result;
use crate::{output, render};

const EXAMPLES: &str = "\
Examples:
  mlpack lock --ic inferenceconfig.json --bi python:3.11-slim --policy current
  mlpack lock --cf environment.yml --bi python:3.11-slim --policy current --update numpy
  mlpack lock --ic inferenceconfig.json --check

`package` and `model deploy` use the file if it matches the conda file and the base image. Give
both commands the same arguments.";

/// Resolve dependencies and write mlpack.lock
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    project: ProjectArgs,
    /// Upgrade all packages, or only the named ones (can be repeated)
    #[arg(long, value_name = "PACKAGE", num_args = 0..=1, default_missing_value = "", action = clap::ArgAction::Append)]
    update: Vec<String>,
    /// Write nothing; exit with 3 if the lock file is out of date
    #[arg(long, conflicts_with = "update")]
    check: bool,
    #[command(flatten)]
    registry: RegistryArgs,
}

pub(super) fn run(context: &Context, args: &Args) -> Result<()> {
    let session = context.packaging(&args.registry, Some(&args.project))?;
    let update = match &args.update[..] {
        [] => Update::None,
        names if names.iter().any(String::is_empty) => Update::All,
        names => Update::Named(names.to_vec()),
    };
    let request = Request { project: args.project.request()?, update, check: args.check };
    let plan = plan(&session, &request)?;
    execute(&session, &plan)?;
    output::result(context.format, &plan, text);
    Ok(())
}

fn text(plan: &Plan) -> String {
    let Plan { name, state, packages, changes, .. } = plan;
    match state {
        State::Written if changes.is_empty() => {
            format!("{name} written: {}", counted(*packages, "package"))
        }
        State::Written => format!(
            "{name} written: {}\n{}",
            counted(*packages, "package"),
            render::changes(changes)
        ),
        State::Checked | State::UpToDate => format!("{name} is up to date"),
    }
}
