//! `mlpack base`: checks a base image, and lists the known ones.

use mlpack_workflow::Session;
use mlpack_workflow::base::{Report, Request, check};

use super::bases;
use crate::args::{IMAGES, PlatformArgs, PolicyArgs, RegistryArgs};
use crate::context::Context;
use crate::failure::Result;
use crate::{output, render};

/// Check base images and list known ones
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Check(CheckArgs),
    List(bases::Args),
}

const EXAMPLES: &str = "\
Examples:
  mlpack base check python:3.11-slim --policy current
  mlpack base check oci:base --format json

Exits with 3 if the image does not satisfy the policy.
";

/// Check a base image against a policy
#[derive(Debug, clap::Args)]
#[command(after_help = format!("{EXAMPLES}\n{IMAGES}"))]
struct CheckArgs {
    /// Base image
    image: String,
    #[command(flatten)]
    policy: PolicyArgs,
    #[command(flatten)]
    platform: PlatformArgs,
    #[command(flatten)]
    registry: RegistryArgs,
}

pub(super) fn run(context: &Context, args: &Args) -> Result<()> {
    match &args.command {
        Command::Check(args) => {
            let request = Request {
                image: args.image.clone(),
                policy: args.policy.name(),
                platform: args.platform.platform.clone(),
            };
            report(context, &context.session(&args.registry)?, request)
        }
        Command::List(args) => bases::run(context, args),
    }
}

/// Prints what a base image contains and how it compares with the policy.
pub(super) fn report(context: &Context, session: &Session, request: Request) -> Result<()> {
    let mut report = check(session, request)?;
    let refusal = report.refusal.take();
    output::result(context.format, &report, text);
    refusal.map_or(Ok(()), |refusal| Err(refusal.into()))
}

fn text(report: &Report) -> String {
    format!(
        "{}@{}\n\n{}\n\npolicy {}\n{}",
        report.image,
        report.digest,
        render::facts(&report.facts),
        report.policy,
        render::verdicts(&report.verdicts),
    )
}
