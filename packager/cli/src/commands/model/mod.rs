//! `mlpack model`: models by name and version, as `az ml model` has them (docs/azureml-2019.md#1.4).

mod deploy;
mod manage;
mod package;
mod profile;
mod register;

use crate::context::Context;
use crate::failure::Result;

/// Register models and use them in images and services, like `az ml model`
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Register(Box<register::Args>),
    List(manage::ListArgs),
    Show(manage::ShowArgs),
    Update(Box<manage::UpdateArgs>),
    Download(manage::DownloadArgs),
    Delete(manage::DeleteArgs),
    Package(Box<package::Args>),
    Profile(Box<profile::Args>),
    Deploy(Box<deploy::Args>),
}

pub(super) fn run(context: &Context, args: &Args) -> Result<()> {
    match &args.command {
        Command::Register(args) => register::run(context, args),
        Command::List(args) => manage::list(context, args),
        Command::Show(args) => manage::show(context, args),
        Command::Update(args) => manage::update(context, args),
        Command::Download(args) => manage::download(context, args),
        Command::Delete(args) => manage::delete(context, args),
        Command::Package(args) => package::run(context, args),
        Command::Profile(args) => profile::run(context, args),
        Command::Deploy(args) => deploy::run(context, args),
    }
}
