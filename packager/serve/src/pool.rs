//! The workers: each is started, given calls one at a time, and replaced when it ends.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Semaphore, mpsc, watch};

use crate::children::Children;
use crate::frame::{Call, Reply};
use crate::log;
use crate::metrics::Metrics;
use crate::worker::{BootError, CallError, Program, Ready, Worker};

/// First pause before a worker that served nothing is started again; doubled up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// Longest pause before a worker is started again.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How long an idle worker may take to end.
const STOP_GRACE: Duration = Duration::from_secs(2);

/// Why no worker can take a call, or how the call failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PoolError {
    /// No worker became free in time.
    #[error("no worker is ready")]
    NoWorker,
    /// The call failed.
    #[error(transparent)]
    Call(#[from] CallError),
}

/// The pool of workers.
#[derive(Debug)]
pub(crate) struct Pool {
    program: Program,
    children: Children,
    metrics: Arc<Metrics>,
    idle: Mutex<Vec<Worker>>,
    /// As many permits as `idle` has workers.
    free: Semaphore,
    ready: watch::Sender<usize>,
    /// Starts that failed since the last one that succeeded.
    failures: AtomicU32,
    raw: AtomicBool,
    pids: Mutex<Vec<i32>>,
    stopping: AtomicBool,
    busy: AtomicUsize,
    attempts: u32,
    fatal: mpsc::UnboundedSender<BootError>,
}

impl Pool {
    /// Starts `count` workers in the background. The receiver gets the failure that ends the service: no worker is
    /// ready, and `attempts` starts in a row failed.
    pub(crate) fn start(
        program: Program,
        count: usize,
        attempts: u32,
        children: Children,
        metrics: Arc<Metrics>,
    ) -> (Arc<Self>, mpsc::UnboundedReceiver<BootError>) {
        let (fatal, failed) = mpsc::unbounded_channel();
        let pool = Arc::new(Self {
            program,
            children,
            metrics,
            idle: Mutex::default(),
            free: Semaphore::new(0),
            ready: watch::Sender::new(0),
            failures: AtomicU32::new(0),
            raw: AtomicBool::new(false),
            pids: Mutex::new(vec![0; count]),
            stopping: AtomicBool::new(false),
            busy: AtomicUsize::new(0),
            attempts,
            fatal,
        });
        for slot in 0..count {
            tokio::spawn(pool.clone().supervise(slot));
        }
        (pool, failed)
    }

    /// Keeps one worker alive.
    async fn supervise(self: Arc<Self>, slot: usize) {
        let mut pause = Duration::ZERO;
        while !self.stopping.load(Ordering::Relaxed) {
            tokio::time::sleep(pause).await;
            match Worker::boot(&self.program, &self.children).await {
                Ok(Ready { worker, raw }) => {
                    self.failures.store(0, Ordering::Relaxed);
                    self.raw.store(raw, Ordering::Relaxed);
                    let served = self.metrics.answered();
                    let mut child = worker.child().clone();
                    self.set_pid(slot, child.pid());
                    self.ready.send_modify(|ready| *ready += 1);
                    log::info(&format!("worker {slot} is ready (process {})", child.pid()));
                    self.give_back(worker);
                    let end = child.end().await;
                    self.ready.send_modify(|ready| *ready -= 1);
                    self.set_pid(slot, 0);
                    if self.stopping.load(Ordering::Relaxed) {
                        return;
                    }
                    child.signal(rustix::process::Signal::KILL);
                    log::warning(&format!("worker {slot} ended with {end}; it is started again"));
                    self.metrics.restarted("ended");
                    pause =
                        if self.metrics.answered() > served { Duration::ZERO } else { next(pause) };
                }
                Err(error) => {
                    let failures = self.failures.fetch_add(1, Ordering::Relaxed) + 1;
                    self.metrics.restarted("boot_failed");
                    if failures >= self.attempts && *self.ready.borrow() == 0 {
                        let _ = self.fatal.send(error);
                        return;
                    }
                    log::error(&format!(
                        "worker {slot} did not start (attempt {failures}): {error}"
                    ));
                    pause = next(pause);
                }
            }
        }
    }

    fn set_pid(&self, slot: usize, pid: i32) {
        if let Some(place) = self.lock_pids().get_mut(slot) {
            *place = pid;
        }
    }

    fn lock_pids(&self) -> std::sync::MutexGuard<'_, Vec<i32>> {
        self.pids.lock().unwrap_or_else(|broken| broken.into_inner())
    }

    fn lock_idle(&self) -> std::sync::MutexGuard<'_, Vec<Worker>> {
        self.idle.lock().unwrap_or_else(|broken| broken.into_inner())
    }

    fn give_back(&self, worker: Worker) {
        self.lock_idle().push(worker);
        self.free.add_permits(1);
    }

    async fn take(&self, wait: Duration) -> Option<Worker> {
        let taken = async {
            loop {
                self.free.acquire().await.ok()?.forget();
                let worker = self.lock_idle().pop()?;
                if !worker.child().has_ended() {
                    return Some(worker);
                }
            }
        };
        tokio::time::timeout(wait, taken).await.ok().flatten()
    }

    /// Gives a call to a free worker. The call goes on to its end if the caller goes away, so that the worker stays
    /// usable.
    ///
    /// # Errors
    /// [`PoolError`].
    pub(crate) async fn call(
        self: &Arc<Self>,
        call: OwnedCall,
        body: Bytes,
        wait: Duration,
    ) -> Result<(Reply, Bytes), PoolError> {
        let pool = self.clone();
        let task = tokio::spawn(async move {
            let mut worker = pool.take(wait).await.ok_or(PoolError::NoWorker)?;
            pool.busy.fetch_add(1, Ordering::Relaxed);
            let limit = pool.program.call_timeout;
            let outcome = worker.call(&call.as_call(limit), &body, limit).await;
            pool.busy.fetch_sub(1, Ordering::Relaxed);
            if outcome.is_ok() {
                pool.give_back(worker);
            }
            Ok(outcome?)
        });
        match task.await {
            Ok(outcome) => outcome,
            Err(_) => Err(PoolError::NoWorker),
        }
    }

    /// Workers that are ready or at work.
    pub(crate) fn ready(&self) -> usize {
        *self.ready.borrow()
    }

    /// Whether `run` takes whole HTTP requests.
    pub(crate) fn is_raw(&self) -> bool {
        self.raw.load(Ordering::Relaxed)
    }

    /// Process identifiers of the workers, 0 where one is being started.
    pub(crate) fn pids(&self) -> Vec<i32> {
        self.lock_pids().clone()
    }

    /// Waits until calls under way have ended, then ends all workers.
    pub(crate) async fn stop(&self, grace: Duration) {
        self.stopping.store(true, Ordering::Relaxed);
        let idle = async {
            while self.busy.load(Ordering::Relaxed) > 0 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let _ = tokio::time::timeout(grace, idle).await;
        let workers = std::mem::take(&mut *self.lock_idle());
        let stops = workers.into_iter().map(|worker| tokio::spawn(worker.stop(STOP_GRACE)));
        for stop in stops.collect::<Vec<_>>() {
            let _ = stop.await;
        }
    }
}

fn next(pause: Duration) -> Duration {
    if pause.is_zero() { FIRST_PAUSE } else { (pause * 2).min(LONGEST_PAUSE) }
}

/// A call that does not borrow from its request.
#[derive(Debug)]
pub(crate) struct OwnedCall {
    pub(crate) call: &'static str,
    pub(crate) id: String,
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) remote: String,
    pub(crate) headers: Vec<(String, String)>,
}

impl OwnedCall {
    fn as_call(&self, limit: Duration) -> Call<'_> {
        Call {
            call: self.call,
            id: &self.id,
            method: &self.method,
            target: &self.target,
            remote: &self.remote,
            timeout_ms: u64::try_from(limit.as_millis()).unwrap_or(u64::MAX),
            headers: self
                .headers
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str()))
                .collect(),
        }
    }
}
