//! The `mlpack` command: arguments in; lines and an exit code out.
//!
//! The only crate that prints, exits, and reads the environment, the current directory and the
//! clock. Each verb parses, calls once and prints once. Standard output gets only what a script
//! needs; everything else goes to standard error.

mod args;
mod candidates;
mod cli;
mod commands;
mod context;
mod embedded;
mod failure;
mod foreign;
mod output;
mod panics;
mod progress;
mod render;
mod reporter;
mod settings;
mod signals;
mod single_dash;

use std::process::ExitCode;

use clap::CommandFactory as _;
use clap_complete::env::CompleteEnv;
use cli::Cli;
use commands::{COMPLETE, Command};
use context::Context;
use failure::Failure;

/// For parsers of others that call themselves once for each parenthesis: a package of a conda channel may name what it
/// depends on in thousands. More than this holds still ends the process. Only what is used takes memory.
const STACK: usize = 512 << 20;

fn main() -> ExitCode {
    match std::thread::Builder::new().name("main".to_owned()).stack_size(STACK).spawn(run) {
        // Its panic is on standard error by now.
        Ok(thread) => thread.join().unwrap_or(ExitCode::from(101)),
        Err(_) => run(),
    }
}

fn run() -> ExitCode {
    // One provider of cryptography for every crate that speaks TLS.
    let _ = rustls::crypto::ring::default_provider().install_default();
    // A shell asks for completions by this variable, and the process ends here.
    CompleteEnv::with_factory(|| candidates::add(Cli::command())).var(COMPLETE).complete();
    let cli = cli::parse(std::env::args_os());
    let format = cli.global.format;
    panics::report_panics(format);
    let run = |context: Context| {
        // It ends its service and its children itself.
        if !matches!(cli.command, Command::Serve(_)) {
            signals::end_on_signals(&context.handle());
        }
        cli.command.run(&context)
    };
    let result = Context::new(cli.global, Cli::command).and_then(run);
    // What failed because its child was ended is no failure to report.
    signals::wait_if_ending();
    match result {
        Ok(code) => match output::failure() {
            None => code,
            Some(reason) => {
                let message = format!("cannot write the result: {reason}");
                Failure::other(message, "what was done stays done; see where standard output goes")
                    .report(format)
            }
        },
        Err(failure) => failure.report(format),
    }
}
