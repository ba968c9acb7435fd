//! One worker process: its start, one call at a time, its end.

use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rustix::process::Signal;
use tokio::net::UnixStream;
use tokio::net::unix::pipe::Receiver;

use crate::children::{Child, Children, End};
use crate::frame::{Boot, Call, FrameError, Reply, receive, send};
use crate::log::{Output, Tail, pass_on};

/// How long after its limit a call that cannot be interrupted is waited for: code in C does not return to Python.
const INTERRUPT_GRACE: Duration = Duration::from_millis(500);

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
    /// The program could not be started.
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
    #[error("the worker ended with {end} before init() had returned\n{output}")]
    Ended {
        /// How.
        end: End,
        /// Its last lines.
        output: String,
    },
    /// It took too long.
    #[error("init() has not returned within {} s (WORKER_TIMEOUT)", limit.as_secs())]
    TimedOut {
        /// The limit.
        limit: Duration,
    },
}

/// A call without an answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    /// The worker ended.
    #[error("the worker ended with {0}")]
    Died(End),
    /// The call took too long; the worker is killed.
    #[error("run() has not returned within {} ms", .0.as_millis())]
    TimedOut(Duration),
    /// The worker sent something else than an answer; it is killed.
    #[error("the worker's answer is invalid: {0}")]
    Invalid(FrameError),
}

/// A worker that is ready for a call.
#[derive(Debug)]
pub(crate) struct Worker {
    stream: UnixStream,
    child: Child,
}

/// What a worker said of itself when it became ready.
#[derive(Debug)]
pub(crate) struct Ready {
    /// The worker.
    pub(crate) worker: Worker,
    /// Whether `run` takes whole HTTP requests.
    pub(crate) raw: bool,
}

impl Worker {
    /// Starts a process and waits until it is ready.
    ///
    /// # Errors
    /// [`BootError`]; the process is gone then.
    pub(crate) async fn boot(program: &Program, children: &Children) -> Result<Ready, BootError> {
        let name = program.argv.first().cloned().unwrap_or_default();
        let start = |reason| BootError::Start { program: name.clone(), reason };
        let (front, back) = UnixStream::pair().map_err(start)?;
        let back: OwnedFd = back.into_std().map_err(start)?.into();
        set_blocking(&back).map_err(start)?;
        let mut command = Command::new(&name);
        command.args(program.argv.iter().skip(1));
        // The socket is the worker's standard input, which needs no number to be agreed on.
        command.stdin(Stdio::from(back)).stdout(Stdio::piped()).stderr(Stdio::piped());
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let started = children.spawn(&mut command).map_err(start)?;
        // The command holds the worker's end of the socket, whose closing shows the worker's end.
        drop(command);
        let tail = Arc::new(Tail::default());
        let pipes = [
            started.stdout.map(|pipe| (OwnedFd::from(pipe), Output::Standard)),
            started.stderr.map(|pipe| (OwnedFd::from(pipe), Output::Error)),
        ];
        let mut passing = Vec::new();
        for (pipe, to) in pipes.into_iter().flatten() {
            let pipe = Receiver::from_owned_fd(pipe).map_err(start)?;
            let tail = tail.clone();
            passing.push(tokio::spawn(async move { pass_on(pipe, to, &tail).await }));
        }
        let mut worker = Self { stream: front, child: started.child };
        let boot = receive::<Boot>(&mut worker.stream);
        match tokio::time::timeout(program.init_timeout, boot).await {
            Ok(Ok((Boot { failure: None, raw }, _))) => Ok(Ready { worker, raw }),
            Ok(Ok((Boot { failure: Some(text), .. }, _))) => {
                worker.kill().await;
                Err(BootError::Failed(text.trim_end().to_owned()))
            }
            Ok(Err(_)) => {
                let end = worker.kill().await;
                // What it printed last is on its way.
                for task in passing {
                    let _ = tokio::time::timeout(Duration::from_secs(1), task).await;
                }
                Err(BootError::Ended { end, output: tail.text() })
            }
            Err(_) => {
                worker.kill().await;
                Err(BootError::TimedOut { limit: program.init_timeout })
            }
        }
    }

    /// Sends a call and waits for its answer. After an error the worker is gone.
    ///
    /// # Errors
    /// [`CallError`].
    pub(crate) async fn call(
        &mut self,
        call: &Call<'_>,
        body: &Bytes,
        limit: Duration,
    ) -> Result<(Reply, Bytes), CallError> {
        let Self { stream, child } = self;
        let exchange = async {
            send(stream, call, body).await?;
            receive::<Reply>(stream).await
        };
        // The worker interrupts `run` itself at the limit. A process that it forked may hold the socket open after its
        // own end, so the end is watched too.
        let outcome = tokio::select! {
            biased;
            outcome = exchange => Some(outcome),
            _ = child.end() => Some(Err(FrameError::Io(std::io::ErrorKind::UnexpectedEof.into()))),
            () = tokio::time::sleep(limit + INTERRUPT_GRACE) => None,
        };
        match outcome {
            Some(Ok(answer)) => Ok(answer),
            Some(Err(FrameError::Io(_))) => Err(CallError::Died(self.kill().await)),
            Some(Err(error)) => {
                self.kill().await;
                Err(CallError::Invalid(error))
            }
            None => {
                self.kill().await;
                Err(CallError::TimedOut(limit))
            }
        }
    }

    /// The process.
    pub(crate) fn child(&self) -> &Child {
        &self.child
    }

    /// Gives a process that closed its socket a moment to end by itself, then kills it and all that it started.
    async fn kill(&mut self) -> End {
        let alone = tokio::time::timeout(Duration::from_millis(200), self.child.end()).await;
        self.child.signal(Signal::KILL);
        match alone {
            Ok(end) => end,
            Err(_) => self.child.end().await,
        }
    }

    /// Asks an idle worker to end by closing its socket; kills it after `grace`.
    pub(crate) async fn stop(self, grace: Duration) {
        let Self { stream, mut child } = self;
        drop(stream);
        if tokio::time::timeout(grace, child.end()).await.is_err() {
            child.signal(Signal::KILL);
            child.end().await;
        } else {
            child.signal(Signal::KILL);
        }
    }
}

/// The worker reads with ordinary blocking calls.
fn set_blocking(socket: &OwnedFd) -> std::io::Result<()> {
    let flags = rustix::fs::fcntl_getfl(socket)?;
    rustix::fs::fcntl_setfl(socket, flags - rustix::fs::OFlags::NONBLOCK)?;
    Ok(())
}
