//! Connections of clients: TLS, HTTP/1.1 or HTTP/2, and their orderly end.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use crate::door::Door;
use crate::guard::Guarded;
use crate::net::{Listener, Stream};

/// How long a TLS handshake may take.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// Accepts connections and answers their requests.
pub(crate) struct Connections {
    acceptor: Option<TlsAcceptor>,
    door: Arc<Door>,
    graceful: GracefulShutdown,
    /// Ends handshakes when dropped.
    handshakes: watch::Sender<()>,
}

impl Connections {
    /// Answers by `door`, with TLS if there is an acceptor.
    pub(crate) fn new(acceptor: Option<TlsAcceptor>, door: Arc<Door>) -> Self {
        let (graceful, handshakes) = (GracefulShutdown::new(), watch::Sender::new(()));
        Self { acceptor, door, graceful, handshakes }
    }

    /// Accepts connections until dropped.
    pub(crate) async fn accept(&self, listener: &Listener) {
        loop {
            let (stream, remote) = listener.accept().await;
            let (acceptor, door) = (self.acceptor.clone(), self.door.clone());
            let (watcher, mut closing) = (self.graceful.watcher(), self.handshakes.subscribe());
            tokio::spawn(async move {
                let secured = tokio::select! {
                    secured = secure(stream, acceptor) => secured,
                    _ = closing.changed() => None,
                };
                let Some(stream) = secured else { return };
                let (first, pause) = (door.settings.header_timeout, door.settings.body_timeout);
                let builder = builder(first);
                let service = service_fn(move |request: Request<Incoming>| {
                    let (door, remote) = (door.clone(), remote.clone());
                    async move { Ok::<_, Infallible>(door.answer(request, &remote).await) }
                });
                let stream = TokioIo::new(Guarded::new(stream, first, pause));
                let connection = builder.serve_connection(stream, service);
                // Connections that break, stall or send something else than HTTP are no event for the log.
                let _ = watcher.watch(connection.into_owned()).await;
            });
        }
    }

    /// Waits until the requests in flight are answered. Connections without one end at once.
    pub(crate) async fn finish(self) {
        drop(self.handshakes);
        self.graceful.shutdown().await;
    }
}

async fn secure(stream: Box<dyn Stream>, acceptor: Option<TlsAcceptor>) -> Option<Box<dyn Stream>> {
    let Some(acceptor) = acceptor else { return Some(stream) };
    let handshake = tokio::time::timeout(HANDSHAKE_TIMEOUT, acceptor.accept(stream)).await;
    Some(Box::new(handshake.ok()?.ok()?))
}

/// Answers requests on the port of operations until dropped.
pub(crate) async fn accept_operations(listener: Listener, door: Arc<Door>) {
    loop {
        let (stream, _) = listener.accept().await;
        let door = door.clone();
        tokio::spawn(async move {
            let (first, pause) = (door.settings.header_timeout, door.settings.body_timeout);
            let builder = builder(first);
            let service = service_fn(move |request: Request<Incoming>| {
                let answer = door.operations(request.uri().path());
                async move { Ok::<_, Infallible>(answer) }
            });
            let stream = TokioIo::new(Guarded::new(stream, first, pause));
            let _ = builder.serve_connection(stream, service).await;
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
