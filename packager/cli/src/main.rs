//! The `mlpack` command: arguments in; lines and an exit code out.
//!
//! The only crate that prints, exits, and reads the environment, the current directory and the
//! clock. Each verb parses, calls once and prints once. Standard output gets only what a script
//! needs; everything else goes to standard error.

mod args;
mod cli;
mod commands;
mod context;
mod embedded;
mod failure;
mod output;
mod progress;
mod render;
mod reporter;
mod settings;
mod single_dash;

use std::process::ExitCode;

use clap::CommandFactory as _;
use cli::Cli;
use context::Context;

fn main() -> ExitCode {
    // One provider of cryptography for every crate that speaks TLS.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let cli = cli::parse(std::env::args_os());
    let format = cli.global.format;
    match Context::new(cli.global, Cli::command).and_then(|context| cli.command.run(&context)) {
        Ok(code) => code,
        Err(failure) => failure.report(format),
    }
}
