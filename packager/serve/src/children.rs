//! Child processes of process 1: reaps every one that ends and keeps the status of those that somebody waits for.
//!
//! In a container the front door is process 1, so processes that a worker left behind become its children (`man 7
//! pid_namespaces`); elsewhere it asks for that (`man 2 PR_SET_CHILD_SUBREAPER`). One `SIGCHLD` may report several
//! ends, so each signal reaps until none is left.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, kill_process_group};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::leftovers;

/// How long the end of a killed process is awaited: one in uninterruptible sleep does not end.
const KILL_GRACE: Duration = Duration::from_secs(2);

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// With an exit code.
    Code(i32),
    /// By a signal.
    Signal(i32),
    /// Killed by the kernel because the container has no memory left.
    OutOfMemory,
    /// It has been killed and has not ended yet.
    Unknown,
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit code {code}"),
            Self::Signal(9) => f.write_str("signal 9 (SIGKILL)"),
            Self::Signal(11) => f.write_str("signal 11 (SIGSEGV)"),
            Self::Signal(6) => f.write_str("signal 6 (SIGABRT)"),
            Self::Signal(15) => f.write_str("signal 15 (SIGTERM)"),
            Self::Signal(number) => write!(f, "signal {number}"),
            Self::OutOfMemory => f.write_str("signal 9 (SIGKILL): out of memory"),
            Self::Unknown => f.write_str("an unknown status"),
        }
    }
}

#[derive(Debug, Default)]
struct State {
    waiting: HashMap<i32, watch::Sender<Option<End>>>,
    /// Processes started so far; part of the marker of the next one.
    started: u64,
    /// Kills for lack of memory that the kernel has reported so far.
    out_of_memory: u64,
    /// Set at the end: nothing is started any more.
    closed: bool,
}

/// Children that are waited for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Children(Arc<Mutex<State>>);

/// A started child.
#[derive(Debug, Clone)]
pub(crate) struct Child {
    pid: Pid,
    marker: Arc<str>,
    end: watch::Receiver<Option<End>>,
}

impl Children {
    /// Starts reaping.
    ///
    /// # Errors
    /// The system's reason if SIGCHLD cannot be handled.
    pub(crate) fn new() -> std::io::Result<Self> {
        // Where the kernel refuses, only processes left behind go to somebody else.
        let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
        let children = Self::default();
        children.lock().out_of_memory = out_of_memory_kills().unwrap_or(0);
        let mut signals = signal(SignalKind::child())?;
        let reaper = children.clone();
        tokio::spawn(async move {
            while signals.recv().await.is_some() {
                reaper.reap();
            }
        });
        Ok(children)
    }

    /// Starts a process as the leader of a process group and waits for its end in the background.
    ///
    /// # Errors
    /// The system's reason why it did not start.
    pub(crate) fn spawn(&self, command: &mut std::process::Command) -> std::io::Result<Started> {
        // Locked during the start, so that an early end finds its entry.
        let mut state = self.lock();
        if state.closed {
            return Err(std::io::Error::other("the service is shutting down"));
        }
        state.started += 1;
        let marker: Arc<str> = leftovers::marker(state.started).into();
        command.env(leftovers::VARIABLE, &*marker);
        std::os::unix::process::CommandExt::process_group(command, 0);
        let mut child = command.spawn()?;
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| std::io::Error::other("no process identifier"))?;
        let (sender, end) = watch::channel(None);
        state.waiting.insert(pid.as_raw_nonzero().get(), sender);
        drop(state);
        // The signal may have come before the entry.
        self.reap();
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        Ok(Started { child: Child { pid, marker, end }, stdout, stderr })
    }

    /// Kills all children and everything that they started, and refuses to start more.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        for pid in state.waiting.keys().filter_map(|pid| Pid::from_raw(*pid)) {
            let _ = kill_process_group(pid, Signal::KILL);
        }
        drop(state);
        leftovers::kill(None);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reap(&self) {
        let mut state = self.lock();
        while let Ok(Some((pid, status))) = rustix::process::wait(WaitOptions::NOHANG) {
            let Some(sender) = state.waiting.remove(&pid.as_raw_nonzero().get()) else { continue };
            let mut end = end(status);
            if end == End::Signal(9)
                && let Some(kills) = out_of_memory_kills()
                && kills > state.out_of_memory
            {
                state.out_of_memory = kills;
                end = End::OutOfMemory;
            }
            let _ = sender.send(Some(end));
        }
    }
}

fn end(status: WaitStatus) -> End {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => End::Code(code),
        (None, Some(signal)) => End::Signal(signal),
        (None, None) => End::Unknown,
    }
}

/// Processes of this container that the kernel killed for lack of memory (cgroup v2 `memory.events`, v1
/// `memory.oom_control`).
fn out_of_memory_kills() -> Option<u64> {
    let files = ["/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control"];
    let text = files.iter().find_map(|file| std::fs::read_to_string(file).ok())?;
    text.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok())
}

/// A child with the pipes to its output.
#[derive(Debug)]
pub(crate) struct Started {
    pub(crate) child: Child,
    pub(crate) stdout: Option<std::process::ChildStdout>,
    pub(crate) stderr: Option<std::process::ChildStderr>,
}

impl Child {
    /// The process identifier.
    pub(crate) fn pid(&self) -> i32 {
        self.pid.as_raw_nonzero().get()
    }

    /// Waits for the end.
    pub(crate) async fn end(&mut self) -> End {
        match self.end.wait_for(Option::is_some).await {
            Ok(end) => end.unwrap_or(End::Unknown),
            Err(_) => End::Unknown,
        }
    }

    /// Whether it has ended.
    pub(crate) fn has_ended(&self) -> bool {
        self.end.borrow().is_some()
    }

    /// Sends a signal to the process group that the child leads.
    pub(crate) fn signal(&self, signal: Signal) {
        let _ = kill_process_group(self.pid, signal);
    }

    /// Kills the child if it does not end within `grace`, and in any case everything that it started, also what left
    /// its process group.
    pub(crate) async fn kill(&mut self, grace: Duration) -> End {
        let ended = tokio::time::timeout(grace, self.end()).await;
        self.signal(Signal::KILL);
        let marker = self.marker.clone();
        let _ = tokio::task::spawn_blocking(move || leftovers::kill(Some(&marker))).await;
        match ended {
            Ok(end) => end,
            Err(_) => tokio::time::timeout(KILL_GRACE, self.end()).await.unwrap_or(End::Unknown),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_a_child_left_behind_is_killed_with_it() {
        let children = Children::new().unwrap();
        let mut command = std::process::Command::new("/bin/sh");
        command.args(["-c", "setsid sleep 1000 & echo $!"]).stdout(std::process::Stdio::piped());
        let mut started = children.spawn(&mut command).unwrap();
        let mut text = String::new();
        let mut pipe = std::io::BufReader::new(started.stdout.take().unwrap());
        std::io::BufRead::read_line(&mut pipe, &mut text).unwrap();
        let sleeper = std::path::PathBuf::from(format!("/proc/{}", text.trim()));
        assert_eq!(started.child.kill(Duration::from_secs(10)).await, End::Code(0));
        while sleeper.exists() {
            tokio::task::yield_now().await;
        }
        children.close();
        assert!(children.spawn(&mut std::process::Command::new("/bin/true")).is_err());
    }
}
