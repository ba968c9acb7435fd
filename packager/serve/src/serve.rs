//! Listens, answers, and ends in order.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use hyper::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::signal::unix::{SignalKind, signal};
use tokio_rustls::TlsAcceptor;

use crate::admission::Admission;
use crate::children::Children;
use crate::door::Door;
use crate::keys::Keys;
use crate::log;
use crate::metrics::Metrics;
use crate::net::{Address, Listener, Stream};
use crate::pool::Pool;
use crate::settings::Settings;
use crate::tls::Certificate;
use crate::worker::{BootError, Program};

/// How often files that may change are looked at.
const WATCH_INTERVAL: Duration = Duration::from_secs(1);

/// How long a TLS handshake may take.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// Why the front door ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServeError {
    /// An address cannot be listened on.
    #[error("cannot listen on {address:?}: {reason}")]
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
    /// Signals cannot be listened to.
    #[error("cannot handle signals: {0}")]
    Signals(#[from] std::io::Error),
    /// No worker starts.
    #[error("no worker started:\n{0}")]
    Boot(BootError),
}

/// Serves until SIGTERM or SIGINT, or until no worker starts.
///
/// # Errors
/// [`ServeError`].
pub(crate) async fn serve(settings: Settings, argv: Vec<String>) -> Result<(), ServeError> {
    let children = Children::new()?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let keys = Keys::new(&settings.keys, settings.keys_file.clone()).map_err(ServeError::Keys)?;
    let certificate =
        settings.tls.clone().map(|(chain, key)| Certificate::load(chain, key)).transpose()?;
    let acceptor = certificate.as_ref().map(Certificate::acceptor).transpose()?;
    let listener = bind(&settings.listen).await?;
    let operations = bind(&settings.operations).await?;
    let metrics = Arc::new(Metrics::new());
    let program = Program {
        argv,
        init_timeout: settings.init_timeout,
        call_timeout: settings.scoring_timeout,
    };
    let (pool, mut failed) = Pool::start(
        program,
        settings.workers,
        settings.boot_attempts,
        children.clone(),
        metrics.clone(),
    );
    let door = Arc::new(Door {
        admission: Admission::new(settings.concurrent, settings.queued, settings.queue_wait),
        settings,
        pool: pool.clone(),
        keys: keys.clone(),
        metrics,
        draining: false.into(),
    });
    watch_files(&keys, certificate.as_ref());
    log::info(&format!("listening on {}, operations on {}", listener.shown(), operations.shown()));
    let graceful = GracefulShutdown::new();
    tokio::spawn(accept_operations(operations, door.clone()));
    let ended = tokio::select! {
        () = accept(&listener, &acceptor, &door, &graceful) => Ok(()),
        error = failed.recv() => Err(error),
        _ = terminate.recv() => Ok(()),
        _ = interrupt.recv() => Ok(()),
    };
    if let Err(error) = ended {
        children.kill_all();
        return error.map_or(Ok(()), |error| Err(ServeError::Boot(error)));
    }
    door.draining.store(true, Ordering::Relaxed);
    log::info("shutting down");
    // Load balancers see the readiness first, and send new requests until they have.
    let delay = tokio::time::sleep(door.settings.drain_delay);
    tokio::select! {
        () = accept(&listener, &acceptor, &door, &graceful) => {}
        () = delay => {}
    }
    drop(listener);
    let grace = door.settings.grace;
    if tokio::time::timeout(grace, graceful.shutdown()).await.is_err() {
        log::warning(&format!("requests were not finished after {} ms", grace.as_millis()));
    }
    pool.stop(Duration::from_millis(100)).await;
    children.kill_all();
    log::info("stopped");
    Ok(())
}

async fn bind(address: &Address) -> Result<Listener, ServeError> {
    let bound = Listener::bind(address).await;
    bound.map_err(|reason| ServeError::Listen { address: address.clone(), reason })
}

/// Takes connections for ever.
async fn accept(
    listener: &Listener,
    acceptor: &Option<TlsAcceptor>,
    door: &Arc<Door>,
    graceful: &GracefulShutdown,
) {
    loop {
        let (stream, remote) = listener.accept().await;
        let (acceptor, door) = (acceptor.clone(), door.clone());
        let watcher = graceful.watcher();
        tokio::spawn(async move {
            let stream: Box<dyn Stream> = match acceptor {
                None => stream,
                Some(acceptor) => {
                    let handshake =
                        tokio::time::timeout(HANDSHAKE_TIMEOUT, acceptor.accept(stream)).await;
                    match handshake {
                        Ok(Ok(stream)) => Box::new(stream),
                        Ok(Err(_)) | Err(_) => return,
                    }
                }
            };
            let builder = builder(door.settings.header_timeout);
            let service = service_fn(move |request: Request<Incoming>| {
                let (door, remote) = (door.clone(), remote.clone());
                async move { Ok::<_, Infallible>(door.answer(request, &remote).await) }
            });
            let connection = builder.serve_connection(TokioIo::new(stream), service);
            // Connections that break, time out or speak no HTTP end without a trace.
            let _ = watcher.watch(connection.into_owned()).await;
        });
    }
}

async fn accept_operations(listener: Listener, door: Arc<Door>) {
    loop {
        let (stream, _) = listener.accept().await;
        let door = door.clone();
        tokio::spawn(async move {
            let builder = builder(door.settings.header_timeout);
            let service = service_fn(move |request: Request<Incoming>| {
                let answer = door.operations(request.uri().path());
                async move { Ok::<_, Infallible>(answer) }
            });
            let _ = builder.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

fn builder(header_timeout: Duration) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(header_timeout);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(Some(Duration::from_secs(20)))
        .max_concurrent_streams(256);
    builder
}

/// Reads keys and certificates again when their files change.
fn watch_files(keys: &Arc<Keys>, certificate: Option<&Arc<Certificate>>) {
    if let Some(file) = keys.file() {
        let (files, keys) = (vec![file.to_owned()], keys.clone());
        tokio::spawn(watch("keys", files, move || {
            keys.reload().map_err(|error| error.to_string())
        }));
    }
    if let Some(certificate) = certificate.cloned() {
        let files = certificate.files().to_vec();
        tokio::spawn(watch("certificate", files, move || {
            certificate.reload().map_err(|error| error.to_string())
        }));
    }
}

async fn watch(
    what: &str,
    files: Vec<std::path::PathBuf>,
    reload: impl Fn() -> Result<(), String>,
) {
    let look = || -> Vec<Option<(SystemTime, u64)>> {
        let of = |file| {
            let metadata = std::fs::metadata(file).ok()?;
            Some((metadata.modified().ok()?, metadata.len()))
        };
        files.iter().map(of).collect()
    };
    let mut seen = look();
    let mut interval = tokio::time::interval(WATCH_INTERVAL);
    loop {
        interval.tick().await;
        let now = look();
        if now == seen {
            continue;
        }
        // Of two files the second may not be there yet: what fails is tried again.
        match reload() {
            Ok(()) => {
                seen = now;
                log::info(&format!("the {what} was read again"));
            }
            Err(error) => log::warning(&format!("the {what} changed but is not used: {error}")),
        }
    }
}
