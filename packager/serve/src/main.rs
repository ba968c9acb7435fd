//! The front door of an image: process 1, which takes HTTP requests and has Python workers answer them.

mod admission;
mod answer;
mod backend;
mod backoff;
mod batch;
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
mod selftest;
mod serve;
mod settings;
mod successor;
mod telemetry;
mod tls;
mod to_its_end;
mod upstream;
mod worker;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use batch::BatchError;
use net::Address;
use selftest::SelftestError;
use serve::ServeError;
use settings::Settings;

const HELP: &str = "\
Serve a model: accept HTTP requests and have workers answer them

Usage: mlpack-serve serve -- WORKER [ARGUMENT]...
       mlpack-serve proxy --to ADDRESS -- PROGRAM [ARGUMENT]...
       mlpack-serve selftest [--input FILE] -- WORKER [ARGUMENT]...
       mlpack-serve batch (--files LIST | --lines FILE) --output DIR [OPTION]... -- WORKER [ARGUMENT]...

Commands:
  serve     Start WORKER_COUNT workers, each with a socket as its standard input
  proxy     Start one program that serves HTTP at ADDRESS (HOST:PORT, PORT or unix:PATH) and forward requests to it
  selftest  Start one worker, call run() with the schema's sample or FILE, and print the answer
  batch     Call run() for each file of LIST, or for each line of FILE, and write DIR/predictions.jsonl

Options of batch:
  --mini-batch-size N  Items in a group, which is one call of run(mini_batch) (default 10)
  --error-threshold N  Items that may fail; -1 for any number (default)
  --shards N           Process each Nth group, beginning with JOB_COMPLETION_INDEX

Examples:
  mlpack-serve serve -- /opt/mlpack/env/bin/python /opt/mlpack/worker
  mlpack-serve proxy --to 31311 -- azmlinfsrv --entry_script score.py --port 31311
  mlpack-serve selftest --input sample.json -- /opt/mlpack/env/bin/python /opt/mlpack/worker
  mlpack-serve batch --files list.txt --output out -- /opt/mlpack/env/bin/python /opt/mlpack/worker

Exit codes: 0 success, 1 run() failed (selftest), the batch is not complete or no thread started, 2 invalid usage or setting, 3 no worker started.
Settings are environment variables; see README.md.";

/// What the arguments ask for.
enum Command {
    Serve { upstream: Option<Address>, argv: Vec<String> },
    Selftest { input: Option<PathBuf>, argv: Vec<String> },
    Batch(Vec<String>),
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let argv = |argv: &[&str]| argv.iter().map(|word| (*word).to_owned()).collect();
    let command = match &words[..] {
        ["serve", "--", rest @ ..] if !rest.is_empty() => {
            Command::Serve { upstream: None, argv: argv(rest) }
        }
        ["proxy", "--to", address, "--", rest @ ..] if !rest.is_empty() => match address.parse() {
            Ok(address) => Command::Serve { upstream: Some(address), argv: argv(rest) },
            Err(()) => {
                complain(&format!(
                    "invalid address `{address}`: expected HOST:PORT, PORT or unix:PATH"
                ));
                return ExitCode::from(2);
            }
        },
        ["selftest", "--", rest @ ..] if !rest.is_empty() => {
            Command::Selftest { input: None, argv: argv(rest) }
        }
        ["selftest", "--input", file, "--", rest @ ..] if !rest.is_empty() => {
            Command::Selftest { input: Some(file.into()), argv: argv(rest) }
        }
        ["batch", rest @ ..] => {
            Command::Batch(rest.iter().map(|word| (*word).to_owned()).collect())
        }
        ["--help" | "-h" | "help"] => return print(HELP.as_bytes()),
        ["--version" | "-V"] => {
            return print(concat!("mlpack-serve ", env!("CARGO_PKG_VERSION")).as_bytes());
        }
        _ => {
            complain("expected `serve`, `proxy`, `selftest` or `batch`; see `mlpack-serve --help`");
            return ExitCode::from(2);
        }
    };
    run(command)
}

fn run(command: Command) -> ExitCode {
    let variables = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let settings = match Settings::read(&variables) {
        Ok(settings) => settings,
        Err(error) => {
            complain(&error.to_string());
            return ExitCode::from(2);
        }
    };
    if !follow_parent(settings.parent) {
        return ExitCode::SUCCESS;
    }
    raise_file_limit();
    let runtime = runtime();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            complain(&format!("cannot start threads: {error}"));
            return ExitCode::from(1);
        }
    };
    match command {
        Command::Serve { upstream, argv } => {
            match runtime.block_on(serve::serve(settings, argv, upstream)) {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => {
                    complain(&error.to_string());
                    ExitCode::from(if matches!(error, ServeError::Boot(_)) { 3 } else { 2 })
                }
            }
        }
        Command::Batch(words) => run_batch(&runtime, &settings, &words),
        Command::Selftest { input, argv } => {
            match runtime.block_on(selftest::selftest(&settings, argv, input.as_deref())) {
                Ok(Some(answer)) => print(&answer),
                Ok(None) => {
                    complain("init() returned; run() was not called: the script has no schema");
                    complain("hint: give a request's body with `--input FILE`");
                    ExitCode::SUCCESS
                }
                Err(error) => {
                    complain(&error.to_string());
                    ExitCode::from(match error {
                        SelftestError::Boot(_) => 3,
                        SelftestError::Input { .. } | SelftestError::System(_) => 2,
                        SelftestError::Call(_) | SelftestError::Refused { .. } => 1,
                    })
                }
            }
        }
    }
}

fn run_batch(runtime: &tokio::runtime::Runtime, settings: &Settings, words: &[String]) -> ExitCode {
    let arguments = match batch::parse(words, settings.completion_index.as_deref()) {
        Ok(arguments) => arguments,
        Err(error) => {
            complain(&error);
            return ExitCode::from(2);
        }
    };
    match runtime.block_on(batch::batch(settings, arguments)) {
        Ok(summary) => print(format!("{summary:#}\n").as_bytes()),
        Err(error) => {
            complain(&error.to_string());
            ExitCode::from(match error {
                BatchError::Boot(_) => 3,
                BatchError::OtherInputs(_) | BatchError::Busy(_) | BatchError::System(_) => 2,
                BatchError::File { .. }
                | BatchError::TooManyFailed { .. }
                | BatchError::Interrupted => 1,
            })
        }
    }
}

/// Starts the runtime. Half of the processors are left to the workers; where that leaves one, no request has to wake a
/// second thread (benches/serving.md).
fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let mut builder = match processors {
        ..=2 => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    builder.worker_threads((processors / 2).clamp(1, 4)).enable_all().build()
}

/// Lets this process end with `parent`. False if that has ended already.
fn follow_parent(parent: Option<i32>) -> bool {
    use rustix::process::{Signal, getppid, set_parent_process_death_signal};
    let Some(parent) = parent else { return true };
    // Where the kernel refuses, the process is only ended by hand.
    let _ = set_parent_process_death_signal(Some(Signal::TERM));
    getppid().is_some_and(|found| found.as_raw_nonzero().get() == parent)
}

/// Every connection is a file; the default limit of many shells is 1024.
fn raise_file_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    let _ = setrlimit(Resource::Nofile, limit);
}

fn print(text: &[u8]) -> ExitCode {
    let mut output = std::io::stdout();
    match output.write_all(text).and_then(|()| output.write_all(b"\n")) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn complain(text: &str) {
    let _ = writeln!(std::io::stderr(), "mlpack-serve: {text}");
}
