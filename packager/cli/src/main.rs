//! The `mlpack` command: arguments in, lines and an exit code out.
//!
//! The only room that prints, exits, and reads the environment, the current directory and the
//! clock. Each command parses, calls once and prints once; on standard output stands only what a
//! script needs, everything else goes to standard error.

mod args;
mod commands;
mod context;
mod embedded;
mod failure;
mod output;
mod outside;
mod progress;
mod stage;

use std::process::ExitCode;

fn main() -> ExitCode {
    // One provider of cryptography for every crate that speaks TLS.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let cli = args::parse(std::env::args_os());
    let format = cli.global.format;
    match commands::run(cli) {
        Ok(code) => code,
        Err(failure) => failure.report(format),
    }
}
