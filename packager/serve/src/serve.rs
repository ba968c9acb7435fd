//! Starts everything, serves, and ends in order.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;

use crate::admission::Admission;
use crate::backend::Backend;
use crate::body::Bodies;
use crate::children::Children;
use crate::connections::{Connections, accept_operations};
use crate::door::Door;
use crate::keys::Keys;
use crate::metrics::Metrics;
use crate::net::{Address, Listener};
use crate::pool::Pool;
use crate::settings::Settings;
use crate::successor::{LINGER, Successor};
use crate::telemetry::Telemetry;
use crate::tls::Certificate;
use crate::upstream::Upstream;
use crate::worker::{BootError, Program};
use crate::{files, log, output};

/// Why the front door ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServeError {
    /// An address cannot be used.
    #[error("cannot listen on {address}: {reason}")]
    Listen {
        /// The address.
        address: Address,
        /// The system's reason.
        reason: std::io::Error,
    },
    /// The file of keys cannot be used.
    #[error("cannot read the keys: {0}")]
    Keys(std::io::Error),
    /// The certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] crate::tls::TlsError),
    /// TLS is not available.
    #[error("cannot set up TLS: {0}")]
    Provider(#[from] rustls::Error),
    /// The system refused signals or threads.
    #[error("cannot start: {0}")]
    System(#[from] std::io::Error),
    /// No worker starts.
    #[error("no worker started:\n{0}")]
    Boot(BootError),
}

/// Serves until SIGTERM or SIGINT, or until no worker starts. `argv` is a worker, or a program that serves HTTP at
/// `upstream`.
///
/// # Errors
/// [`ServeError`].
pub(crate) async fn serve(
    settings: Settings,
    argv: Vec<String>,
    upstream: Option<Address>,
) -> Result<(), ServeError> {
    output::start()?;
    let mut stop = Stop::new()?;
    let listener = bind(&settings.listen).await?;
    let successor = Successor::watch(settings.successor_file.clone());
    // A container that is started again after it has been replaced.
    if successor.exists() {
        let address = &listener.shown();
        log::listening(&log::Listening { message: "listening", address, operations: "" });
        relay(&listener, &successor, &mut stop).await;
        return Ok(());
    }
    let operations = bind(&settings.operations).await?;
    log::listening(&log::Listening {
        message: "listening",
        address: &listener.shown(),
        operations: &operations.shown(),
    });
    let children = Children::new()?;
    let Started { door, acceptor, mut failed } = start(settings, argv, upstream, &children)?;
    tokio::spawn(reload_on(signal(SignalKind::hangup())?, door.backend.clone()));
    tokio::spawn(accept_operations(operations, door.clone()));
    let connections = Connections::new(acceptor, door.clone());
    let failure = tokio::select! {
        () = connections.accept(&listener) => None,
        error = failed.recv() => error,
        () = stop.requested() => None,
        () = successor.appears() => None,
    };
    if failure.is_none() {
        if successor.exists() {
            let rest = tokio::spawn(hand_over(door.clone(), connections));
            relay(&listener, &successor, &mut stop).await;
            let _ = rest.await;
        } else {
            drain(&door, connections, listener).await;
            finish(&door).await;
        }
        log::info("stopped");
    }
    children.close();
    output::flush().await;
    failure.map_or(Ok(()), |error| Err(ServeError::Boot(error)))
}

/// The signals that end the process.
struct Stop {
    terminate: Signal,
    interrupt: Signal,
}

impl Stop {
    fn new() -> std::io::Result<Self> {
        let (terminate, interrupt) = (SignalKind::terminate(), SignalKind::interrupt());
        Ok(Self { terminate: signal(terminate)?, interrupt: signal(interrupt)? })
    }

    async fn requested(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// What answers requests.
struct Started {
    door: Arc<Door>,
    acceptor: Option<TlsAcceptor>,
    /// Reports that no worker starts.
    failed: mpsc::UnboundedReceiver<BootError>,
}

/// Starts what answers requests.
fn start(
    settings: Settings,
    argv: Vec<String>,
    upstream: Option<Address>,
    children: &Children,
) -> Result<Started, ServeError> {
    let keys = Keys::new(&settings.keys, settings.keys_file.clone()).map_err(ServeError::Keys)?;
    let certificate =
        settings.tls.clone().map(|(chain, key)| Certificate::load(chain, key)).transpose()?;
    let acceptor = certificate.as_ref().map(Certificate::acceptor).transpose()?;
    let metrics = Arc::new(Metrics::new());
    let program = Program {
        argv,
        init_timeout: settings.init_timeout,
        call_timeout: settings.scoring_timeout,
    };
    let attempts = settings.boot_attempts;
    let (own, own_metrics) = (children.clone(), metrics.clone());
    let (backend, failed) = match upstream {
        None => {
            let (pool, failed) = Pool::start(program, settings.workers, attempts, own, own_metrics);
            (Backend::Workers(pool), failed)
        }
        Some(address) => {
            let (upstream, failed) = Upstream::start(program, address, attempts, own, own_metrics);
            (Backend::Program(upstream), failed)
        }
    };
    files::watch(&keys, certificate.as_ref());
    let telemetry = Telemetry::start(settings.telemetry.clone(), metrics.clone());
    let door = Door {
        admission: Admission::new(settings.concurrent, settings.queued, settings.queue_wait),
        bodies: Bodies::new(settings.body_limit, settings.buffered, settings.body_timeout),
        settings,
        backend,
        keys,
        metrics,
        telemetry,
        draining: false.into(),
        replaced: false.into(),
    };
    Ok(Started { door: Arc::new(door), acceptor, failed })
}

/// Relays connections to the successor until the process is asked to end.
async fn relay(listener: &Listener, successor: &Successor, stop: &mut Stop) {
    tokio::select! {
        () = successor.relay(listener) => {}
        () = stop.requested() => {}
    }
}

/// Answers the clients that are connected until they connect again, and ends the workers.
async fn hand_over(door: Arc<Door>, connections: Connections) {
    door.replaced.store(true, Ordering::Relaxed);
    tokio::time::sleep(LINGER).await;
    answer_rest(&door, connections).await;
    finish(&door).await;
    log::info("handed over");
}

/// Ends the workers and sends the last traces.
async fn finish(door: &Door) {
    door.backend.stop().await;
    if let Some(telemetry) = &door.telemetry {
        telemetry.flush().await;
    }
}

/// Replaces the workers at each SIGHUP.
async fn reload_on(mut hangup: Signal, backend: Backend) {
    while hangup.recv().await.is_some() {
        log::info("reloading");
        backend.reload();
    }
}

/// Finishes the requests in flight.
async fn drain(door: &Door, connections: Connections, listener: Listener) {
    door.draining.store(true, Ordering::Relaxed);
    log::info("shutting down");
    // Load balancers see the readiness first, and send new requests until they have. Connections that the system has
    // already accepted are accepted before the time is looked at.
    tokio::select! {
        biased;
        () = connections.accept(&listener) => {}
        () = tokio::time::sleep(door.settings.drain_delay) => {}
    }
    listener.close();
    answer_rest(door, connections).await;
}

/// Waits for the requests in flight, and closes connections without one.
async fn answer_rest(door: &Door, connections: Connections) {
    let grace = door.settings.grace;
    if tokio::time::timeout(grace, connections.finish()).await.is_err() {
        log::warning(&format!("requests were not finished within {} ms", grace.as_millis()));
    }
}

async fn bind(address: &Address) -> Result<Listener, ServeError> {
    let bound = Listener::bind(address).await;
    bound.map_err(|reason| ServeError::Listen { address: address.clone(), reason })
}
