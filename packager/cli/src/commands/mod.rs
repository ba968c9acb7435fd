//! One file per command.

mod base;
mod bases;
mod check;
mod deploy;
mod env;
mod environment;
mod findings;
mod init;
mod inspect;
mod lock;
mod locking;
mod login;
mod package;
mod packaging;
mod quickstart;
mod registry;
mod service;

use std::process::ExitCode;

use clap::CommandFactory as _;

use crate::args::{Cli, Command, ModelCommand};
use crate::context::Context;
use crate::failure::Result;

pub(crate) fn run(cli: Cli) -> Result<ExitCode> {
    if let Command::Completions { shell } = cli.command {
        clap_complete::generate(shell, &mut Cli::command(), "mlpack", &mut std::io::stdout());
        return Ok(ExitCode::SUCCESS);
    }
    let context = Context::new(cli.global)?;
    match cli.command {
        Command::Init(args) => init::run(&context, &args)?,
        Command::Quickstart(args) => quickstart::run(&context, &args)?,
        Command::Package(args) => package::run(&context, &args)?,
        Command::Lock(args) => lock::run(&context, &args)?,
        Command::Env(command) => return env::run(&context, &command),
        Command::Check(args) => check::run(&context, &args)?,
        Command::Inspect(args) => inspect::run(&context, &args)?,
        Command::Bases(args) => bases::run(&context, &args),
        Command::Deploy(args) => deploy::run(&context, &args)?,
        Command::Model(ModelCommand::Deploy(args)) => deploy::model(&context, &args)?,
        Command::Push(args) => registry::push(&context, &args)?,
        Command::Pull(args) => registry::pull(&context, &args)?,
        Command::Copy(args) => registry::copy(&context, &args)?,
        Command::Login(args) => login::login(&context, &args)?,
        Command::Logout(args) => login::logout(&context, &args)?,
        Command::Service(command) => service::run(&context, command)?,
        Command::Completions { .. } => {}
    }
    Ok(ExitCode::SUCCESS)
}
