//! One worker process: its start, one call at a time, its end.

use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::net::UnixStream;

use crate::children::{Child, Children, End, Started};
use crate::frame::{Boot, Call, FrameError, Reply, Takes, receive, send};
use crate::output::{Stream, Tail, pass_on};

/// How long after its limit a call that cannot be interrupted is awaited: code in C does not return to Python.
pub(crate) const INTERRUPT_GRACE: Duration = Duration::from_millis(500);

/// How long a process that closed its socket may take to end by itself.
const END_GRACE: Duration = Duration::from_millis(200);

/// How workers are started.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    /// The interpreter and its arguments.
    pub(crate) argv: Vec<String>,
    /// How long importing the script and `init()` may take together.
    pub(crate) init_timeout: Duration,
    /// How long one call may take.
    pub(crate) call_timeout: Duration,
}

/// A worker that has not become ready.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BootError {
    /// The system did not start the program.
    #[error("cannot start `{program}`: {reason}")]
    Start {
        /// The interpreter.
        program: String,
        /// The system's reason.
        reason: std::io::Error,
    },
    /// The script or its `init()` failed.
    #[error("{0}")]
    Failed(String),
    /// It ended before it was ready.
    #[error("worker ended with {end} before init() returned\n{output}")]
    Ended {
        /// How.
        end: End,
        /// Its last lines.
        output: String,
    },
    /// It took too long.
    #[error("init() did not return within {} s (WORKER_TIMEOUT)", limit.as_secs())]
    TimedOut {
        /// The limit.
        limit: Duration,
    },
}

/// A call without an answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    /// The worker had ended before it got the whole call, so `run` has not been called.
    #[error("the worker ended with {0} before the call")]
    NotSent(End),
    /// The worker ended.
    #[error("the worker ended with {0}")]
    Died(End),
    /// The call took too long; the worker is killed.
    #[error("run() did not return within {} ms", .0.as_millis())]
    TimedOut(Duration),
    /// The worker sent something that is not an answer; it is killed.
    #[error("invalid answer of the worker: {0}")]
    Invalid(FrameError),
}

/// A worker that is ready for a call.
#[derive(Debug)]
pub(crate) struct Worker {
    stream: UnixStream,
    child: Child,
    output: Passing,
}

/// A worker that became ready, and what it reported about its script.
#[derive(Debug)]
pub(crate) struct Ready {
    /// The worker.
    pub(crate) worker: Worker,
    /// What `run` takes.
    pub(crate) takes: Takes,
}

impl Worker {
    /// Starts a process and waits until it is ready.
    ///
    /// # Errors
    /// [`BootError`]; the process has been killed then.
    pub(crate) async fn boot(program: &Program, children: &Children) -> Result<Ready, BootError> {
        let name = program.argv.first().cloned().unwrap_or_default();
        let start = |reason| BootError::Start { program: name.clone(), reason };
        let (stream, back) = UnixStream::pair().map_err(start)?;
        let back = back.into_std().map_err(start)?;
        // The worker reads with ordinary blocking calls.
        back.set_nonblocking(false).map_err(start)?;
        let mut command = Command::new(&name);
        command.args(program.argv.iter().skip(1));
        // The socket is the worker's standard input, so no number has to be agreed on.
        command.stdin(Stdio::from(OwnedFd::from(back)));
        let (child, output) = start_with_output(&mut command, children).map_err(start)?;
        // The command has the worker's end of the socket, whose closing shows the worker's end.
        drop(command);
        let mut worker = Self { stream, child, output };
        let Self { stream, child, .. } = &mut worker;
        // A process that the script forked may keep the socket open after the worker's end.
        let boot = async {
            tokio::select! {
                biased;
                boot = receive::<Boot>(stream) => boot.ok(),
                _ = child.end() => None,
            }
        };
        match tokio::time::timeout(program.init_timeout, boot).await {
            Ok(Some((Boot { failure: None, takes }, _))) => Ok(Ready { worker, takes }),
            Ok(Some((Boot { failure: Some(text), .. }, _))) => {
                worker.child.kill(END_GRACE).await;
                worker.output.finished().await;
                Err(BootError::Failed(text.trim_end().to_owned()))
            }
            Ok(None) => {
                let end = worker.child.kill(END_GRACE).await;
                worker.output.finished().await;
                Err(BootError::Ended { end, output: worker.output.tail.text() })
            }
            Err(_) => {
                worker.child.kill(Duration::ZERO).await;
                Err(BootError::TimedOut { limit: program.init_timeout })
            }
        }
    }

    /// Sends a call and waits for its answer. After an error the worker is killed.
    ///
    /// # Errors
    /// [`CallError`].
    pub(crate) async fn call(
        &mut self,
        call: &Call<'_>,
        body: &Bytes,
        limit: Duration,
    ) -> Result<(Reply, Bytes), CallError> {
        // The worker interrupts `run` itself at the limit.
        let deadline = limit.saturating_add(INTERRUPT_GRACE);
        match tokio::time::timeout(deadline, self.exchange(call, body)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(Failure::Send)) => Err(CallError::NotSent(self.child.kill(END_GRACE).await)),
            Ok(Err(Failure::Receive(FrameError::Io(_)))) => {
                Err(CallError::Died(self.child.kill(END_GRACE).await))
            }
            Ok(Err(Failure::Receive(error))) => {
                self.child.kill(Duration::ZERO).await;
                Err(CallError::Invalid(error))
            }
            Err(_) => {
                self.child.kill(Duration::ZERO).await;
                Err(CallError::TimedOut(limit))
            }
        }
    }

    async fn exchange(&mut self, call: &Call<'_>, body: &Bytes) -> Result<(Reply, Bytes), Failure> {
        let Self { stream, child, .. } = self;
        if child.has_ended() {
            return Err(Failure::Send);
        }
        tokio::select! {
            biased;
            sent = send(stream, call, body) => sent.map_err(|_| Failure::Send)?,
            _ = child.end() => return Err(Failure::Send),
        }
        let answer = receive::<Reply>(stream);
        tokio::pin!(answer);
        // A process that the script forked may keep the socket open after the worker's end, so the end is awaited too.
        // An answer that the worker sent before its end is still in the socket then.
        let ended = async {
            child.end().await;
            tokio::time::sleep(END_GRACE).await;
        };
        tokio::select! {
            biased;
            answer = &mut answer => answer.map_err(Failure::Receive),
            () = ended => Err(Failure::Receive(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into())),
        }
    }

    /// The process.
    pub(crate) fn child(&self) -> &Child {
        &self.child
    }

    /// Asks an idle worker to end by closing its socket; kills it after `grace`. Returns when its output has been read.
    pub(crate) async fn stop(self, grace: Duration) {
        let Self { stream, mut child, output } = self;
        drop(stream);
        child.kill(grace).await;
        output.finished().await;
    }
}

/// At which side of a call the worker was lost.
enum Failure {
    Send,
    Receive(FrameError),
}

/// The output of a process on its way to this process's streams.
#[derive(Debug)]
pub(crate) struct Passing {
    tasks: Vec<tokio::task::AbortHandle>,
    /// Its last lines.
    pub(crate) tail: Arc<Tail>,
}

impl Passing {
    /// Waits until both streams are closed, for a second at most: a process left behind may keep them open.
    pub(crate) async fn finished(&self) {
        let closed = async {
            while !self.tasks.iter().all(tokio::task::AbortHandle::is_finished) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let _ = tokio::time::timeout(Duration::from_secs(1), closed).await;
    }
}

/// Starts `command` with its output passed on line by line.
///
/// # Errors
/// The system's reason.
pub(crate) fn start_with_output(
    command: &mut Command,
    children: &Children,
) -> std::io::Result<(Child, Passing)> {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let Started { child, stdout, stderr } = children.spawn(command)?;
    let mut passing = Passing { tasks: Vec::new(), tail: Arc::default() };
    let pipes = [
        stdout.map(|pipe| (OwnedFd::from(pipe), Stream::Output)),
        stderr.map(|pipe| (OwnedFd::from(pipe), Stream::Error)),
    ];
    for (pipe, to) in pipes.into_iter().flatten() {
        let pipe = tokio::net::unix::pipe::Receiver::from_owned_fd(pipe)?;
        let tail = passing.tail.clone();
        let task = tokio::spawn(async move { pass_on(pipe, to, &tail).await });
        passing.tasks.push(task.abort_handle());
    }
    Ok((child, passing))
}
