//! `mlpack serve`: runs a project with this machine's Python, and reloads it when a file changes.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Read};
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, ExitStatus};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use mlpack_deploy::{Ended, Error as DeployError, explain_end};
use mlpack_workflow::Session;
use mlpack_workflow::serve::{Plan, Request, plan};
use rustix::process::{Pid, Signal, kill_process};

use crate::args::{ProjectArgs, RegistryArgs};
use crate::context::Context;
use crate::failure::{Failure, Result};
use crate::render::{LogLine, log_line};
use crate::{output, settings};

/// How often files are looked at.
const INTERVAL: Duration = Duration::from_millis(200);

/// How long the front door may take to end.
const STOP_GRACE: Duration = Duration::from_secs(3);

/// Lines of output that an explanation is searched in.
const TAIL: usize = 200;

const EXAMPLES: &str = "\
Examples:
  mlpack serve --ic inferenceconfig.json -m model=model.pkl
  mlpack serve --es score.py -m model=model.pkl --port 8080
  curl -d '{\"data\": [[1, 2]]}' http://127.0.0.1:5001/score

Uses the packages of that Python, not those of the conda file. Options about the base image have no effect.";

/// Serve a project with this machine's Python, and reload it when a file changes
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    project: ProjectArgs,
    /// Port of 127.0.0.1
    #[arg(long, default_value_t = 5001, value_parser = clap::value_parser!(u16).range(1..), help_heading = "Serving")]
    port: u16,
    /// Worker processes
    #[arg(long, default_value_t = 1, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=64), help_heading = "Serving")]
    workers: u16,
    /// Do not watch the project's files
    #[arg(long, help_heading = "Serving")]
    no_reload: bool,
}

pub(super) fn run(context: &Context, args: &Args) -> Result<()> {
    let session = context.packaging(&RegistryArgs::default(), Some(&args.project))?;
    let python = args.project.python().map(|python| session.cwd.join(python));
    let python = python.or_else(settings::python).ok_or_else(|| Failure::Other {
        message: "cannot find a Python to serve with".to_owned(),
        hint: Some(
            "activate an environment, or name an interpreter with `--python PATH`".to_owned(),
        ),
    })?;
    if TcpListener::bind((Ipv4Addr::LOCALHOST, args.port)).is_err() {
        return Err(Failure::Other {
            message: format!("port {} of this machine is in use", args.port),
            hint: Some("choose another one with `--port`".to_owned()),
        });
    }
    let request = Request {
        project: args.project.request()?,
        python: python.clone(),
        port: args.port,
        workers: args.workers.into(),
    };
    let serving = Serving {
        plan: plan(&session, &request)?,
        stop: stop_on_signals(&session),
        session,
        python,
        uri: format!("http://{}:{}/score", Ipv4Addr::LOCALHOST, args.port),
        reload: !args.no_reload,
    };
    serving.run()
}

/// Returns a flag that SIGINT and SIGTERM set.
fn stop_on_signals(session: &Session) -> Arc<AtomicBool> {
    use tokio::signal::unix::{SignalKind, signal};
    let stop = Arc::new(AtomicBool::new(false));
    for kind in [SignalKind::interrupt(), SignalKind::terminate()] {
        let stop = stop.clone();
        session.runtime.spawn(async move {
            if let Ok(mut signals) = signal(kind) {
                signals.recv().await;
                stop.store(true, Ordering::Relaxed);
            }
        });
    }
    stop
}

struct Serving {
    session: Session,
    plan: Plan,
    python: PathBuf,
    uri: String,
    reload: bool,
    stop: Arc<AtomicBool>,
}

impl Serving {
    /// Serves until a signal. A script that does not start waits for a change of a file.
    fn run(&self) -> Result<()> {
        output::error_line(&format!("Serving with {}; Ctrl-C ends", self.python.display()));
        let mut marks = self.plan.marks();
        loop {
            let mut child = self.plan.start()?;
            let printer = Printer::start(&mut child, &self.uri, self.plan.app_root());
            while !self.is_stopping() {
                if child.try_wait().map_err(Failure::io("watch", "the server"))?.is_some() {
                    break;
                }
                thread::sleep(INTERVAL);
                if self.reload && self.has_changed(&mut marks, "Reloading") {
                    signal(&child, Signal::HUP);
                }
            }
            if self.is_stopping() {
                end(&mut child);
                printer.join();
                return Ok(());
            }
            let status = child.wait().map_err(Failure::io("watch", "the server"))?;
            let failure = self.failure(status, &printer.join());
            if !self.reload || status.code() == Some(2) {
                return Err(failure.into());
            }
            output::error_line(&format!("{} {failure}", output::red("error:")));
            if let Some(hint) = failure.hint() {
                output::error_line(&format!("{} {hint}", output::bold("hint:")));
            }
            output::error_line("Waiting for a change");
            while !self.has_changed(&mut marks, "Starting again") {
                if self.is_stopping() {
                    return Ok(());
                }
                thread::sleep(INTERVAL);
            }
        }
    }

    fn is_stopping(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Whether a file has changed and is no longer written to; then says so.
    fn has_changed(&self, marks: &mut Vec<mlpack_workflow::serve::Mark>, what: &str) -> bool {
        let mut now = self.plan.marks();
        if now == *marks {
            return false;
        }
        loop {
            thread::sleep(INTERVAL / 2);
            let later = self.plan.marks();
            if later == now || self.is_stopping() {
                break;
            }
            now = later;
        }
        let changed = Plan::changed(&self.session, marks, &now);
        output::error_line(&format!("{what}: {} changed", changed.join(", ")));
        *marks = now;
        true
    }

    fn failure(&self, status: ExitStatus, log: &str) -> DeployError {
        let ended = Ended { exit_code: status.code().map(i64::from), out_of_memory: false };
        DeployError::Failed {
            name: self.uri.clone(),
            explanation: explain_end(log, ended),
            exit_code: ended.exit_code,
            log: String::new(),
            kept: false,
        }
    }
}

fn signal(child: &Child, signal: Signal) {
    if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, signal);
    }
}

/// Ends the front door, which ends its workers.
fn end(child: &mut Child) {
    signal(child, Signal::TERM);
    let deadline = Instant::now() + STOP_GRACE;
    while Instant::now() < deadline {
        if matches!(child.try_wait(), Ok(Some(_))) {
            return;
        }
        thread::sleep(Duration::from_millis(20));
    }
    let _ = child.kill();
    let _ = child.wait();
}

/// Passes on the output of a front door, and keeps its end.
struct Printer {
    threads: Vec<JoinHandle<()>>,
    tail: Arc<Mutex<VecDeque<String>>>,
}

impl Printer {
    /// Paths below `app_root`, which has links to the project's files, are shown without it.
    fn start(child: &mut Child, uri: &str, app_root: &str) -> Self {
        let prefix = format!("{app_root}/");
        let tail = Arc::new(Mutex::new(VecDeque::new()));
        let mut threads = Vec::new();
        if let Some(pipe) = child.stdout.take() {
            let uri = uri.to_owned();
            let mut announced = false;
            threads.push(pass_on(pipe, &prefix, tail.clone(), move |line| match log_line(line) {
                LogLine::Printed => output::line(line),
                LogLine::Shown(text) => output::error_line(&text),
                LogLine::Ready if !announced => {
                    announced = true;
                    output::error_line(&format!("Ready at {uri}"));
                }
                LogLine::Ready | LogLine::Quiet => {}
            }));
        }
        if let Some(pipe) = child.stderr.take() {
            threads.push(pass_on(pipe, &prefix, tail.clone(), output::error_line));
        }
        Self { threads, tail }
    }

    /// Waits for the end of the output and returns its last lines.
    fn join(self) -> String {
        for thread in self.threads {
            let _ = thread.join();
        }
        let tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        tail.iter().flat_map(|line| [line.as_str(), "\n"]).collect()
    }
}

fn pass_on(
    pipe: impl Read + Send + 'static,
    prefix: &str,
    tail: Arc<Mutex<VecDeque<String>>>,
    mut show: impl FnMut(&str) + Send + 'static,
) -> JoinHandle<()> {
    let prefix = prefix.to_owned();
    thread::spawn(move || {
        let mut reader = BufReader::new(pipe);
        let mut bytes = Vec::new();
        while reader.read_until(b'\n', &mut bytes).is_ok_and(|read| read > 0) {
            let line = String::from_utf8_lossy(&bytes).replace(&prefix, "");
            let line = line.trim_end_matches(['\r', '\n']);
            show(line);
            let mut tail = tail.lock().unwrap_or_else(PoisonError::into_inner);
            tail.push_back(line.to_owned());
            if tail.len() > TAIL {
                tail.pop_front();
            }
            drop(tail);
            bytes.clear();
        }
    })
}
