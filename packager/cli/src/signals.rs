//! What INT and TERM do: no child goes on, and nothing half-written stays.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::Builder;
use std::time::{Duration, Instant};

use mlpack_oci::pending::remove_unfinished;
use rustix::process::{Pid, Signal, kill_process};
use tokio::runtime::Handle;
use tokio::signal::unix::{SignalKind, signal};

/// How long children may take to end by themselves.
const GRACE: Duration = Duration::from_secs(1);

/// Whether a signal has come.
static ENDING: AtomicBool = AtomicBool::new(false);

/// What is done before the process ends.
static LAST: Mutex<Option<Box<dyn FnOnce() + Send>>> = Mutex::new(None);

/// Does something before a signal ends the process. A later call replaces it.
pub(crate) fn before_end(last: impl FnOnce() + Send + 'static) {
    *LAST.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(last));
}

/// Goes no further once a signal has come: the process is about to end.
pub(crate) fn wait_if_ending() {
    while ENDING.load(Ordering::SeqCst) {
        std::thread::park();
    }
}

/// Lets both signals end the process cleanly, with the exit code that shells give for them. One that was ignored when the
/// process began stays ignored, as for a job in the background of a script.
pub(crate) fn end_on_signals(runtime: &Handle) {
    let ignored = ignored();
    for (kind, number) in [(SignalKind::interrupt(), 2), (SignalKind::terminate(), 15)] {
        if ignored & (1 << (number - 1)) != 0 {
            continue;
        }
        runtime.spawn(async move {
            if let Ok(mut signals) = signal(kind) {
                signals.recv().await;
                ENDING.store(true, Ordering::SeqCst);
                // Other threads may wait for the network or run a child: they end with the process.
                if Builder::new().spawn(move || end(128 + number)).is_err() {
                    end(128 + number);
                }
            }
        });
    }
}

/// Returns the set of signals that this process ignores (proc_pid_status(5), `SigIgn`).
fn ignored() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    line.and_then(|set| u64::from_str_radix(set.trim(), 16).ok()).unwrap_or(0)
}

/// Ends children, removes what is unfinished, and ends the process.
#[allow(clippy::exit, reason = "destructors of other threads would not run either")]
pub(crate) fn end(code: i32) {
    let children = descendants(std::process::id());
    children.iter().for_each(|pid| send(*pid, Signal::TERM));
    let deadline = Instant::now() + GRACE;
    while Instant::now() < deadline && children.iter().any(|pid| lives(*pid)) {
        std::thread::sleep(Duration::from_millis(10));
    }
    children.iter().filter(|pid| lives(**pid)).for_each(|pid| send(*pid, Signal::KILL));
    let last = LAST.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(last) = last {
        last();
    }
    remove_unfinished();
    std::process::exit(code);
}

fn send(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        // It may have ended.
        let _ = kill_process(pid, signal);
    }
}

/// Whether a process runs; one that ended and was not waited for does not.
fn lives(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with('Z'))
}

/// Returns the children of a process and theirs (proc_pid_children(5)).
fn descendants(pid: u32) -> Vec<u32> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let mut found = Vec::new();
    for task in tasks {
        let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
        for child in children.split_whitespace().filter_map(|child| child.parse().ok()) {
            found.push(child);
            found.extend(descendants(child));
        }
    }
    found
}
