//! `mlpack env`: lists or compares packages.

use std::process::ExitCode;

use mlpack_project::image::Contents;
use mlpack_workflow::{Session, contents};

use crate::args::{PlatformArgs, RegistryArgs};
use crate::context::Context;
use crate::failure::Result;
use crate::{output, render};

/// List or compare the packages of a project, lock file or image
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    List(ListArgs),
    Diff(DiffArgs),
}

const SOURCES: &str = "\
Sources:
  a directory, an inference configuration or a conda file: its mlpack.lock
  a lock file
  an image, written as for `mlpack inspect`";

const LIST_EXAMPLES: &str = "\
Examples:
  mlpack env list .
  mlpack env list registry.example.com/team/digits:v1
";

const DIFF_EXAMPLES: &str = "\
Examples:
  mlpack env diff registry.example.com/team/digits:v1 mlpack.lock
  mlpack env diff old.lock mlpack.lock --exit-code
";

/// List all packages
#[derive(Debug, clap::Args)]
#[command(after_help = format!("{LIST_EXAMPLES}\n{SOURCES}"))]
struct ListArgs {
    /// Project, lock file or image
    source: String,
    #[command(flatten)]
    images: ImageArgs,
}

/// List what changed from one source to another
#[derive(Debug, clap::Args)]
#[command(after_help = format!("{DIFF_EXAMPLES}\n{SOURCES}"))]
struct DiffArgs {
    /// Project, lock file or image
    before: String,
    /// Project, lock file or image to compare with
    after: String,
    /// Exit with 1 if there is a difference
    #[arg(long)]
    exit_code: bool,
    #[command(flatten)]
    images: ImageArgs,
}

/// How images are read.
#[derive(Debug, clap::Args)]
struct ImageArgs {
    /// Include packages from the base image (always on for foreign images)
    #[arg(long)]
    layers: bool,
    #[command(flatten)]
    platform: PlatformArgs,
    #[command(flatten)]
    registry: RegistryArgs,
}

pub(super) fn run(context: &Context, args: &Args) -> Result<ExitCode> {
    match &args.command {
        Command::List(args) => {
            let session = context.session(&args.images.registry)?;
            let contents = args.images.contents(&session, &args.source)?;
            output::result(context.format, &contents, render::contents);
            Ok(ExitCode::SUCCESS)
        }
        Command::Diff(args) => diff(context, args),
    }
}

fn diff(context: &Context, args: &DiffArgs) -> Result<ExitCode> {
    let session = context.session(&args.images.registry)?;
    let before = args.images.contents(&session, &args.before)?;
    let changes = before.changes(&args.images.contents(&session, &args.after)?);
    output::result(context.format, &changes, |changes| match &changes[..] {
        [] => "no difference".to_owned(),
        changes => render::changes(changes),
    });
    Ok(if args.exit_code && !changes.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

impl ImageArgs {
    fn contents(&self, session: &Session, source: &str) -> Result<Contents> {
        Ok(contents::list(session, source, &self.platform.platform, self.layers)?)
    }
}
