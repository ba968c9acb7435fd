//! One program that serves HTTP, such as Azure's inference server, behind the front door.

use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::Request;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{HOST, HeaderValue};
use hyper_util::rt::TokioIo;
use rustix::process::Signal;
use tokio::sync::{mpsc, watch};

use crate::backoff::Backoff;
use crate::children::{Child, Children, End};
use crate::frame::{FrameError, MAX_BODY, Reply};
use crate::log;
use crate::metrics::Metrics;
use crate::net::{Address, connect};
use crate::pool::OwnedCall;
use crate::worker::{BootError, CallError, INTERRUPT_GRACE, Program, start_with_output};

/// How often a program that starts is asked whether it is ready.
const PROBE_INTERVAL: Duration = Duration::from_millis(50);

/// How long a program may take to end after SIGTERM.
const STOP_GRACE: Duration = Duration::from_secs(5);

/// Connections that are kept for the next requests.
const MAX_IDLE: usize = 64;

/// Headers that belong to a connection, or that the front door sets itself.
const OWN: [&str; 5] =
    ["connection", "transfer-encoding", "content-length", "expect", "x-request-id"];

type Sender = SendRequest<Full<Bytes>>;

/// The program and the connections to it.
#[derive(Debug)]
pub(crate) struct Upstream {
    program: Program,
    address: Address,
    children: Children,
    metrics: Arc<Metrics>,
    idle: Mutex<Vec<Sender>>,
    ready: watch::Sender<bool>,
    pid: AtomicI32,
    child: Mutex<Option<Child>>,
    stopping: AtomicBool,
}

impl Upstream {
    /// Starts the program in the background. The receiver gets the failure that ends the service: `attempts` starts in
    /// a row failed.
    pub(crate) fn start(
        program: Program,
        address: Address,
        attempts: u32,
        children: Children,
        metrics: Arc<Metrics>,
    ) -> (Arc<Self>, mpsc::UnboundedReceiver<BootError>) {
        let (fatal, failed) = mpsc::unbounded_channel();
        let upstream = Arc::new(Self {
            program,
            address,
            children,
            metrics,
            idle: Mutex::default(),
            ready: watch::Sender::new(false),
            pid: AtomicI32::new(0),
            child: Mutex::default(),
            stopping: AtomicBool::new(false),
        });
        let supervised = upstream.clone();
        tokio::spawn(async move {
            if let Some(error) = supervised.supervise(attempts).await {
                let _ = fatal.send(error);
            }
        });
        (upstream, failed)
    }

    /// Keeps the program alive; returns the failure after which it is not started again.
    async fn supervise(&self, attempts: u32) -> Option<BootError> {
        let (mut backoff, mut failures) = (Backoff::default(), 0);
        while !self.is_stopping() {
            backoff.wait().await;
            let served = self.metrics.answered();
            match self.boot().await {
                Ok(mut child) => {
                    failures = 0;
                    self.ready.send_replace(true);
                    log::info(&format!("the program is ready (process {})", child.pid()));
                    let end = child.end().await;
                    self.ready.send_replace(false);
                    self.pid.store(0, Ordering::Relaxed);
                    self.idle().clear();
                    child.kill(Duration::ZERO).await;
                    if !self.is_stopping() {
                        log::warning(&format!("the program ended with {end}; starting it again"));
                        self.metrics.restarted("ended");
                    }
                }
                Err(_) if self.is_stopping() => return None,
                Err(error) => {
                    failures += 1;
                    self.metrics.restarted("boot_failed");
                    if failures >= attempts {
                        return Some(error);
                    }
                    log::error(&format!("the program did not start (attempt {failures}): {error}"));
                }
            }
            backoff.ended(self.metrics.answered() > served);
        }
        None
    }

    /// Starts the program and waits until it answers `GET /` with 200.
    async fn boot(&self) -> Result<Child, BootError> {
        let name = self.program.argv.first().cloned().unwrap_or_default();
        let mut command = Command::new(&name);
        command.args(self.program.argv.iter().skip(1)).stdin(Stdio::null());
        let started = start_with_output(&mut command, &self.children);
        let (mut child, output) =
            started.map_err(|reason| BootError::Start { program: name, reason })?;
        self.pid.store(child.pid(), Ordering::Relaxed);
        *self.child.lock().unwrap_or_else(PoisonError::into_inner) = Some(child.clone());
        let answering = async {
            while !self.is_healthy().await {
                tokio::time::sleep(PROBE_INTERVAL).await;
            }
        };
        let limit = self.program.init_timeout;
        let mut watched = child.clone();
        tokio::select! {
            () = answering => Ok(child),
            end = watched.end() => {
                child.kill(Duration::ZERO).await;
                output.finished().await;
                Err(BootError::Ended { end, output: output.tail.text() })
            }
            () = tokio::time::sleep(limit) => {
                child.kill(Duration::ZERO).await;
                Err(BootError::TimedOut { limit })
            }
        }
    }

    async fn is_healthy(&self) -> bool {
        let Ok(request) = Request::get("/").header(HOST, "localhost").body(Full::default()) else {
            return false;
        };
        let Ok(mut sender) = self.connect().await else { return false };
        sender.send_request(request).await.is_ok_and(|answer| answer.status().is_success())
    }

    async fn connect(&self) -> std::io::Result<Sender> {
        let stream = TokioIo::new(connect(&self.address).await?);
        let (sender, connection) = handshake(stream).await.map_err(std::io::Error::other)?;
        tokio::spawn(connection);
        Ok(sender)
    }

    /// Returns a kept connection that still works, or a new one.
    async fn sender(&self) -> std::io::Result<Sender> {
        while let Some(mut sender) = { self.idle().pop() } {
            if sender.ready().await.is_ok() {
                return Ok(sender);
            }
        }
        self.connect().await
    }

    /// Forwards a call.
    ///
    /// # Errors
    /// The failure; none if the program was not ready before `deadline`.
    pub(crate) async fn call(
        &self,
        call: &OwnedCall,
        body: Bytes,
        deadline: Instant,
    ) -> Result<(Reply, Bytes), Option<CallError>> {
        let limit = self.program.call_timeout;
        let mut ready = self.ready.subscribe();
        loop {
            let wait = deadline.saturating_duration_since(Instant::now());
            let is_ready = tokio::time::timeout(wait, ready.wait_for(|ready| *ready)).await;
            if !is_ready.is_ok_and(|ready| ready.is_ok()) {
                return Err(None);
            }
            let exchange = self.exchange(call, body.clone());
            match tokio::time::timeout(limit.saturating_add(INTERRUPT_GRACE), exchange).await {
                // The program has ended, which is about to be noticed, or accepts no more connections for now.
                Ok(Err(CallError::NotSent(_))) if Instant::now() < deadline => {
                    tokio::time::sleep(PROBE_INTERVAL).await;
                }
                Ok(answer) => return answer.map_err(Some),
                Err(_) => return Err(Some(CallError::TimedOut(limit))),
            }
        }
    }

    async fn exchange(&self, call: &OwnedCall, body: Bytes) -> Result<(Reply, Bytes), CallError> {
        let invalid = |error| CallError::Invalid(FrameError::Io(std::io::Error::other(error)));
        let mut sender = self.sender().await.map_err(|_| CallError::NotSent(End::Unknown))?;
        let mut request = Request::builder().method(&*call.method).uri(&call.target);
        for (name, value) in &call.headers {
            let octets: Vec<u8> = value.chars().filter_map(|one| u8::try_from(one).ok()).collect();
            if !OWN.contains(&name.as_str())
                && let Ok(value) = HeaderValue::from_bytes(&octets)
            {
                request = request.header(name, value);
            }
        }
        let request = request.header("x-request-id", &call.id);
        let request = request.body(Full::new(body)).map_err(|error| invalid(error.to_string()))?;
        let sent = sender.send_request(request).await;
        // A connection that breaks before the answer is the end of the process that had it.
        let (head, body) = sent
            .map_err(|error| match error.is_canceled() {
                true => CallError::NotSent(End::Unknown),
                false => CallError::Died(End::Unknown),
            })?
            .into_parts();
        let body = Limited::new(body, MAX_BODY as usize).collect().await;
        let body = body.map_err(|error| invalid(error.to_string()))?.to_bytes();
        let mut idle = self.idle();
        if idle.len() < MAX_IDLE {
            idle.push(sender);
        }
        drop(idle);
        let text = |value: &HeaderValue| value.as_bytes().iter().copied().map(char::from).collect();
        let run_ms = head.headers.get("x-ms-run-fn-exec-ms");
        let reply = Reply {
            status: head.status.as_u16(),
            run_ms: run_ms.and_then(|value| value.to_str().ok()?.parse().ok()),
            headers: head
                .headers
                .iter()
                .map(|(name, value)| (name.to_string(), text(value)))
                .collect(),
            timed_out: false,
        };
        Ok((reply, body))
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Sender>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// 1 if the program is ready.
    pub(crate) fn ready(&self) -> usize {
        usize::from(*self.ready.borrow())
    }

    /// The program's process identifier, 0 while there is none.
    pub(crate) fn pid(&self) -> i32 {
        self.pid.load(Ordering::Relaxed)
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// Asks the program to end, and kills it if it does not.
    pub(crate) async fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
        let child = self.child.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(mut child) = child {
            child.signal(Signal::TERM);
            child.kill(STOP_GRACE).await;
        }
    }
}
