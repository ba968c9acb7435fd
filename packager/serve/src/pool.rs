//! The workers: each is started, gets calls one at a time, and is replaced when it ends.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::{Semaphore, mpsc, watch};

use crate::backoff::Backoff;
use crate::children::{Child, Children, End};
use crate::frame::{Call, Reply, Takes};
use crate::log;
use crate::metrics::Metrics;
use crate::to_its_end::ToItsEnd;
use crate::worker::{BootError, CallError, Program, Ready, Worker};

/// How long an idle worker may take to end.
const STOP_GRACE: Duration = Duration::from_secs(2);

/// The pool of workers.
#[derive(Debug)]
pub(crate) struct Pool {
    program: Program,
    children: Children,
    metrics: Arc<Metrics>,
    idle: Mutex<Vec<Worker>>,
    /// At least as many permits as `idle` has workers; one who finds no worker waits again.
    free: Semaphore,
    ready: watch::Sender<usize>,
    /// Starts that failed since the last one that succeeded.
    failures: AtomicU32,
    takes: Mutex<Takes>,
    pids: Mutex<Vec<i32>>,
    stopping: AtomicBool,
    /// Changes when every worker is to be replaced.
    reload: watch::Sender<u64>,
    /// Workers at work that end instead of being offered again.
    retired: Mutex<HashSet<i32>>,
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
            takes: Mutex::default(),
            pids: Mutex::new(vec![0; count]),
            stopping: AtomicBool::new(false),
            reload: watch::Sender::new(0),
            retired: Mutex::default(),
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
        let mut backoff = Backoff::default();
        while !self.is_stopping() {
            backoff.wait().await;
            let served = self.metrics.answered();
            // A reload while it starts comes after it has read the script, perhaps.
            let reload = self.reload.subscribe();
            match Worker::boot(&self.program, &self.children).await {
                Ok(ready) => self.live(slot, ready, reload).await,
                Err(_) if self.is_stopping() => return,
                Err(error) => {
                    let failures = self.failures.fetch_add(1, Ordering::Relaxed) + 1;
                    self.metrics.restarted("boot_failed");
                    if failures >= self.attempts && self.ready() == 0 {
                        let _ = self.fatal.send(error);
                        return;
                    }
                    log::error(&format!(
                        "worker {slot} did not start (attempt {failures}): {error}"
                    ));
                }
            }
            backoff.ended(self.metrics.answered() > served);
        }
    }

    /// Offers a worker until it ends, and replaces it when a reload is asked for.
    async fn live(
        &self,
        slot: usize,
        Ready { worker, takes }: Ready,
        mut reload: watch::Receiver<u64>,
    ) {
        let mut child = self.offer(slot, worker, takes);
        let end = loop {
            tokio::select! {
                end = child.end() => break end,
                changed = reload.changed() => {
                    // The sender lives as long as the pool.
                    let Ok(()) = changed else { break child.end().await };
                    let begun = Instant::now();
                    match Worker::boot(&self.program, &self.children).await {
                        Ok(Ready { worker, takes }) => {
                            let old = std::mem::replace(&mut child, self.offer(slot, worker, takes));
                            self.retire(&old);
                            log::info(&format!("worker {slot} reloaded in {} ms", begun.elapsed().as_millis()));
                        }
                        Err(error) => log::error(&format!(
                            "worker {slot} was not reloaded and goes on as it was: {error}"
                        )),
                    }
                }
            }
        };
        self.ready.send_modify(|ready| *ready -= 1);
        self.set_pid(slot, 0);
        self.remove_ended();
        child.kill(Duration::ZERO).await;
        if !self.is_stopping() {
            log::warning(&format!("worker {slot} ended with {end}; starting it again"));
            self.metrics.restarted("ended");
        }
    }

    /// Offers a worker for calls.
    fn offer(&self, slot: usize, worker: Worker, takes: Takes) -> Child {
        self.failures.store(0, Ordering::Relaxed);
        *lock(&self.takes) = takes;
        let child = worker.child().clone();
        self.set_pid(slot, child.pid());
        self.ready.send_modify(|ready| *ready += 1);
        log::info(&format!("worker {slot} is ready (process {})", child.pid()));
        self.give_back(worker);
        child
    }

    /// Ends a worker that was replaced: now if it is idle, else after its call.
    fn retire(&self, child: &Child) {
        self.ready.send_modify(|ready| *ready -= 1);
        let mut idle = lock(&self.idle);
        match idle.iter().position(|worker| worker.child().pid() == child.pid()) {
            Some(place) => {
                let worker = idle.swap_remove(place);
                self.free.forget_permits(1);
                tokio::spawn(worker.stop(STOP_GRACE));
            }
            None => drop(lock(&self.retired).insert(child.pid())),
        }
    }

    /// Replaces every worker by a new one that has read the script again. One that does not start leaves the old one
    /// at work.
    pub(crate) fn reload(&self) {
        self.reload.send_modify(|generation| *generation += 1);
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    fn set_pid(&self, slot: usize, pid: i32) {
        if let Some(place) = lock(&self.pids).get_mut(slot) {
            *place = pid;
        }
    }

    fn give_back(&self, worker: Worker) {
        let mut idle = lock(&self.idle);
        if lock(&self.retired).remove(&worker.child().pid()) {
            tokio::spawn(worker.stop(STOP_GRACE));
            return;
        }
        idle.push(worker);
        drop(idle);
        self.free.add_permits(1);
    }

    fn remove_ended(&self) {
        let mut idle = lock(&self.idle);
        let before = idle.len();
        idle.retain(|worker| !worker.child().has_ended());
        self.free.forget_permits(before - idle.len());
    }

    /// Waits for an idle worker. Nothing is lost if the caller stops waiting.
    ///
    /// # Errors
    /// If none is idle within `wait`.
    pub(crate) async fn take(self: &Arc<Self>, wait: Duration) -> Option<Taken> {
        let taken = async {
            loop {
                self.free.acquire().await.ok()?.forget();
                let worker = lock(&self.idle).pop();
                if let Some(worker) = worker.filter(|worker| !worker.child().has_ended()) {
                    return Some(Taken { pool: self.clone(), worker: Some(worker) });
                }
            }
        };
        tokio::time::timeout(wait, taken).await.ok().flatten()
    }

    /// The number of workers that are ready or at work.
    pub(crate) fn ready(&self) -> usize {
        *self.ready.borrow()
    }

    /// What `run` takes, as the last worker that started reported it.
    pub(crate) fn takes(&self) -> Takes {
        *lock(&self.takes)
    }

    /// Waits until a worker is ready, for `limit` at most.
    pub(crate) async fn wait_until_ready(&self, limit: Duration) {
        let mut ready = self.ready.subscribe();
        let _ = tokio::time::timeout(limit, ready.wait_for(|ready| *ready > 0)).await;
    }

    /// Process identifiers of the workers, 0 where one is being started.
    pub(crate) fn pids(&self) -> Vec<i32> {
        lock(&self.pids).clone()
    }

    /// Ends all workers that are idle, and starts no more.
    pub(crate) async fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
        let workers = std::mem::take(&mut *lock(&self.idle));
        let stops = workers.into_iter().map(|worker| tokio::spawn(worker.stop(STOP_GRACE)));
        for stop in stops.collect::<Vec<_>>() {
            let _ = stop.await;
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A worker taken from the pool; given back when dropped without a call.
#[derive(Debug)]
pub(crate) struct Taken {
    pool: Arc<Pool>,
    worker: Option<Worker>,
}

impl Drop for Taken {
    fn drop(&mut self) {
        if let Some(worker) = self.worker.take() {
            self.pool.give_back(worker);
        }
    }
}

impl Taken {
    /// Gives the call to the worker. `hold` is kept until the worker is free again: the call goes on to its end if the
    /// caller goes away, so that the worker stays usable.
    ///
    /// # Errors
    /// [`CallError`].
    pub(crate) async fn call(
        mut self,
        call: Arc<OwnedCall>,
        body: Bytes,
        hold: impl Send + 'static,
    ) -> Result<(Reply, Bytes), CallError> {
        let Some(mut worker) = self.worker.take() else {
            return Err(CallError::NotSent(End::Unknown));
        };
        let pool = self.pool.clone();
        ToItsEnd::new(async move {
            let limit = pool.program.call_timeout;
            let answer = worker.call(&call.as_call(limit), &body, limit).await?;
            pool.give_back(worker);
            drop(hold);
            Ok(answer)
        })
        .await
    }
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
