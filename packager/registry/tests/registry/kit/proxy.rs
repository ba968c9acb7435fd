//! A proxy before the real registry that counts requests and misbehaves.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Once};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{Method, Response};
use bytes::Bytes;
use futures_util::StreamExt;
use tokio::sync::mpsc;

use super::busy::Busy;
use super::response::{answer, dress};
use super::{Action, Seen};

type Quirk = Arc<dyn Fn(&Seen) -> Action + Send + Sync>;

#[derive(Clone)]
pub(crate) struct Proxy {
    /// `127.0.0.1:PORT`.
    pub(crate) host: String,
    inner: Arc<Inner>,
}

struct Inner {
    upstream: String,
    http: reqwest::Client,
    quirk: Quirk,
    seen: Mutex<Vec<Seen>>,
    /// Whether a body that breaks off is forwarded as one that ended, as registries do that can
    /// resume inside a request; then the address of each session's real state.
    keeps: bool,
    sessions: Mutex<HashMap<String, String>>,
    busy: Arc<Busy>,
}

impl Proxy {
    pub(crate) async fn start(
        upstream: &str,
        keeps: bool,
        quirk: impl Fn(&Seen) -> Action + Send + Sync + 'static,
    ) -> Self {
        static PROVIDER: Once = Once::new();
        PROVIDER.call_once(|| {
            let _ = rustls::crypto::ring::default_provider().install_default();
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address: SocketAddr = listener.local_addr().unwrap();
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        let inner = Arc::new(Inner {
            upstream: upstream.to_owned(),
            http,
            quirk: Arc::new(quirk),
            seen: Mutex::default(),
            keeps,
            sessions: Mutex::default(),
            busy: Arc::default(),
        });
        let router = Router::new().fallback(handle).with_state(inner.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { host: address.to_string(), inner }
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.inner.seen.lock().unwrap().clone()
    }

    /// Requests as `METHOD path`, without queries, digests shortened.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.seen()
            .iter()
            .map(|seen| format!("{} {}", seen.method, seen.path.split('?').next().unwrap()))
            .collect()
    }

    pub(crate) fn count(&self, method: &str) -> usize {
        self.seen().iter().filter(|seen| seen.method.as_str() == method).count()
    }

    /// The most requests that were under way at once.
    pub(crate) fn most_at_once(&self) -> usize {
        self.inner.busy.most()
    }

    /// Bytes of blobs that arrived.
    pub(crate) fn blob_bytes(&self) -> u64 {
        let uploads = self.seen();
        uploads.iter().filter(|s| s.is_upload()).map(|s| s.bytes.load(Ordering::Relaxed)).sum()
    }

    pub(crate) fn forget(&self) {
        self.inner.seen.lock().unwrap().clear();
    }
}

impl Inner {
    fn record(&self, parts: &Parts, path: &str) -> Seen {
        let mut all = self.seen.lock().unwrap();
        let before = all.iter().filter(|seen| seen.method == parts.method).count();
        let (method, headers) = (parts.method.clone(), parts.headers.clone());
        let (path, bytes) = (path.to_owned(), Arc::default());
        let seen = Seen { method, path, headers, before, bytes };
        all.push(seen.clone());
        seen
    }
}

async fn handle(State(inner): State<Arc<Inner>>, request: Request) -> Response<Body> {
    let _under = inner.busy.enter();
    let (parts, body) = request.into_parts();
    let path = parts.uri.path_and_query().unwrap().to_string();
    let seen = inner.record(&parts, &path);
    let bytes = seen.bytes.clone();
    let action = (inner.quirk)(&seen);
    match &action {
        Action::Answer(status, headers, text) => return answer(*status, headers, text),
        Action::AnswerLate(status, headers, text) => {
            drain(body, &bytes).await;
            return answer(*status, headers, text);
        }
        _ => {}
    }
    let body = match action {
        Action::Hold(rate) => hold(body, &bytes, rate).await,
        _ => body,
    };
    let (to_upstream, from_client) = mpsc::channel::<Result<Bytes, std::io::Error>>(4);
    let mut passed_on = seen.clone();
    match &action {
        Action::Rangeless => drop(passed_on.headers.remove("range")),
        Action::Unmounted => passed_on.path = path.split('?').next().unwrap().to_owned(),
        _ => {}
    }
    let upstream = tokio::spawn(forward(inner.clone(), passed_on, from_client));
    let limit = match action {
        Action::CutUpload(limit) | Action::Shorten(limit) => limit,
        _ => u64::MAX,
    };
    let mut stream = body.into_data_stream();
    let mut passed = 0;
    while let Some(piece) = stream.next().await {
        let Ok(piece) = piece else {
            if !inner.keeps {
                let _ = to_upstream.send(Err(std::io::Error::other("cut"))).await;
            }
            drop(to_upstream);
            std::panic::resume_unwind(Box::new("the client is gone"));
        };
        if !matches!(action, Action::Hold(_)) {
            bytes.fetch_add(piece.len() as u64, Ordering::Relaxed);
        }
        if let Action::Slow(rate) = action {
            tokio::time::sleep(Duration::from_secs_f64(piece.len() as f64 / rate as f64)).await;
        }
        let keep =
            piece.slice(..piece.len().min(usize::try_from(limit - passed).unwrap_or(usize::MAX)));
        passed += keep.len() as u64;
        if !keep.is_empty() {
            let _ = to_upstream.send(Ok(keep)).await;
        }
        if passed == limit && matches!(action, Action::CutUpload(_)) {
            break;
        }
    }
    if matches!(action, Action::CutUpload(_)) {
        if inner.keeps {
            drop(to_upstream);
            let _ = upstream.await;
        } else {
            let _ = to_upstream.send(Err(std::io::Error::other("cut"))).await;
            drop(to_upstream);
            let _ = upstream.await;
        }
        // An unwinding handler closes the connection without an answer.
        std::panic::resume_unwind(Box::new("cut"));
    }
    drop(to_upstream);
    let Ok(Some(response)) = upstream.await else {
        return answer(502, &[], "the registry is gone");
    };
    dress(response, action).await
}

/// Asks the real registry, in a separate task so that it finishes even if the client is gone.
async fn forward(
    inner: Arc<Inner>,
    seen: Seen,
    body: mpsc::Receiver<Result<Bytes, std::io::Error>>,
) -> Option<reqwest::Response> {
    let mut url = format!("http://{}{}", inner.upstream, seen.path);
    let upload = seen.path.split("/blobs/uploads/").nth(1).map(|rest| {
        let id = rest.split('?').next().unwrap_or_default();
        (id.to_owned(), rest.split('?').nth(1).unwrap_or_default().to_owned())
    });
    if inner.keeps
        && let Some((id, query)) = &upload
        && let Some(true_state) = inner.sessions.lock().unwrap().get(id)
    {
        let digest = query.split('&').find(|pair| pair.starts_with("digest="));
        url = digest.map_or_else(|| true_state.clone(), |digest| format!("{true_state}&{digest}"));
        url = url.replacen(&seen_host(&seen), &inner.upstream, 1);
    }
    let mut headers = seen.headers.clone();
    // A body that may be cut short has no length.
    headers.remove("transfer-encoding");
    let sized = headers.remove("content-length");
    let mut request = inner.http.request(seen.method.clone(), &url).headers(headers);
    if matches!(seen.method, Method::POST | Method::PUT | Method::PATCH) {
        if sized.is_some_and(|length| length == "0") {
            request = request.header("content-length", "0");
        } else {
            let stream = futures_util::stream::unfold(body, |mut body| async move {
                body.recv().await.map(|piece| (piece, body))
            });
            request = request.body(reqwest::Body::wrap_stream(stream));
        }
    }
    let response = request.send().await.ok()?;
    if inner.keeps
        && let Some(location) = response.headers().get("location")
        && let Ok(location) = location.to_str()
        && let Some(rest) = location.split("/blobs/uploads/").nth(1)
    {
        let id = rest.split('?').next().unwrap_or_default().to_owned();
        inner.sessions.lock().unwrap().insert(id, location.to_owned());
    }
    Some(response)
}

fn seen_host(seen: &Seen) -> String {
    seen.headers["host"].to_str().unwrap().to_owned()
}

/// The whole body; an unwinding handler closes the connection of a client that is gone.
async fn hold(body: Body, bytes: &AtomicU64, rate: u64) -> Body {
    let (mut stream, mut pieces) = (body.into_data_stream(), Vec::new());
    while let Some(piece) = stream.next().await {
        let Ok(piece) = piece else {
            std::panic::resume_unwind(Box::new("the client is gone"));
        };
        bytes.fetch_add(piece.len() as u64, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_secs_f64(piece.len() as f64 / rate as f64)).await;
        pieces.push(Ok::<_, std::io::Error>(piece));
    }
    Body::from_stream(futures_util::stream::iter(pieces))
}

async fn drain(body: Body, bytes: &AtomicU64) {
    let mut stream = body.into_data_stream();
    while let Some(Ok(piece)) = stream.next().await {
        bytes.fetch_add(piece.len() as u64, Ordering::Relaxed);
    }
}
