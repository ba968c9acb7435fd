//! Child processes of process 1: every one that ends is reaped, those that somebody waits for with their status.
//!
//! In a container the front door is process 1, so processes that a worker left behind become its children (`man 7
//! pid_namespaces`). One `SIGCHLD` may stand for several ends, so each signal reaps until none is left.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, kill_process_group};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// With an exit code.
    Code(i32),
    /// By a signal.
    Signal(i32),
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
        }
    }
}

/// Children that are waited for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Children {
    waiting: Arc<Mutex<HashMap<i32, watch::Sender<Option<End>>>>>,
}

/// A started child.
#[derive(Debug, Clone)]
pub(crate) struct Child {
    pid: Pid,
    end: watch::Receiver<Option<End>>,
}

impl Children {
    /// Starts reaping.
    ///
    /// # Errors
    /// If the signal cannot be listened to.
    pub(crate) fn new() -> std::io::Result<Self> {
        let children = Self::default();
        let mut signals = signal(SignalKind::child())?;
        let reaper = children.clone();
        tokio::spawn(async move {
            while signals.recv().await.is_some() {
                reaper.reap();
            }
        });
        Ok(children)
    }

    /// Starts a process and waits for its end in the background.
    ///
    /// # Errors
    /// The system's reason why it did not start.
    pub(crate) fn spawn(&self, command: &mut std::process::Command) -> std::io::Result<Started> {
        // Held over the start, so that an early end finds its entry.
        let mut waiting = self.waiting.lock().unwrap_or_else(|broken| broken.into_inner());
        let mut child = command.spawn()?;
        let pid = i32::try_from(child.id()).unwrap_or(i32::MAX);
        let (sender, end) = watch::channel(None);
        waiting.insert(pid, sender);
        drop(waiting);
        // The signal may have come before the entry.
        self.reap();
        let pid = Pid::from_raw(pid).ok_or_else(|| std::io::Error::other("process 0"))?;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        Ok(Started { child: Child { pid, end }, stdout, stderr })
    }

    /// Kills all children that are waited for, each with its process group.
    pub(crate) fn kill_all(&self) {
        let waiting = self.waiting.lock().unwrap_or_else(|broken| broken.into_inner());
        for pid in waiting.keys().filter_map(|pid| Pid::from_raw(*pid)) {
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }

    fn reap(&self) {
        let mut waiting = self.waiting.lock().unwrap_or_else(|broken| broken.into_inner());
        while let Ok(Some((pid, status))) = rustix::process::wait(WaitOptions::NOHANG) {
            if let Some(sender) = waiting.remove(&pid.as_raw_nonzero().get()) {
                let _ = sender.send(Some(end(status)));
            }
        }
    }
}

fn end(status: WaitStatus) -> End {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => End::Code(code),
        (None, Some(signal)) => End::Signal(signal),
        (None, None) => End::Code(-1),
    }
}

/// A child with the pipes it was given.
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
            Ok(end) => end.unwrap_or(End::Code(-1)),
            Err(_) => End::Code(-1),
        }
    }

    /// Whether it has ended.
    pub(crate) fn has_ended(&self) -> bool {
        self.end.borrow().is_some()
    }

    /// Sends a signal to the process group that the child leads, so that what it started ends as well.
    pub(crate) fn signal(&self, signal: Signal) {
        let _ = kill_process_group(self.pid, signal);
    }
}
