//! The front door of an image: process 1, which takes HTTP requests and has Python workers answer them.

mod admission;
mod answer;
mod body;
mod children;
mod connections;
mod door;
mod files;
mod frame;
mod guard;
mod keys;
mod leftovers;
mod log;
mod metrics;
mod net;
mod output;
mod pool;
mod record;
mod route;
mod serve;
mod settings;
mod tls;
mod worker;

use std::io::Write as _;
use std::process::ExitCode;

use settings::Settings;

const HELP: &str = "\
Serves a model: takes HTTP requests and has workers answer them

Usage: mlpack-serve serve -- PROGRAM [ARGUMENT]...

PROGRAM is started WORKER_COUNT times with a socket as its standard input.

Example:
  mlpack-serve serve -- /opt/mlpack/env/bin/python /opt/mlpack/worker.py

Exit codes: 0 stopped, 2 wrong usage or setting, 3 no worker started.";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match &words[..] {
        ["serve", "--", _, ..] => run(arguments[2..].to_vec()),
        ["--help" | "-h" | "help"] => print(HELP),
        ["--version" | "-V"] => print(concat!("mlpack-serve ", env!("CARGO_PKG_VERSION"))),
        _ => {
            complain("expected `serve -- PROGRAM`; see --help");
            ExitCode::from(2)
        }
    }
}

fn run(argv: Vec<String>) -> ExitCode {
    #[expect(clippy::disallowed_methods, reason = "the settings of this binary are variables")]
    let variables = std::env::vars().collect();
    let settings = match Settings::read(&variables) {
        Ok(settings) => settings,
        Err(error) => {
            complain(&error.to_string());
            return ExitCode::from(2);
        }
    };
    raise_file_limit();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(std::thread::available_parallelism().map_or(1, usize::from).min(4))
        .enable_all()
        .build();
    let outcome = match runtime {
        Ok(runtime) => runtime.block_on(serve::serve(settings, argv)),
        Err(error) => {
            complain(&format!("cannot start threads: {error}"));
            return ExitCode::from(1);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error @ serve::ServeError::Boot(_)) => {
            complain(&error.to_string());
            ExitCode::from(3)
        }
        Err(error) => {
            complain(&error.to_string());
            ExitCode::from(2)
        }
    }
}

/// Every connection is a file; the default limit of many shells is 1024.
fn raise_file_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    let _ = setrlimit(Resource::Nofile, limit);
}

fn print(text: &str) -> ExitCode {
    match writeln!(std::io::stdout(), "{text}") {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn complain(text: &str) {
    let _ = writeln!(std::io::stderr(), "mlpack-serve: {text}");
}
