//! What the proxy sees, and what it may do.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use axum::http::{HeaderMap, Method};

/// A request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: Method,
    /// With query.
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    /// How many requests of this method came before.
    pub(crate) before: usize,
    /// Bytes of body that arrived.
    pub(crate) bytes: Arc<AtomicU64>,
}

impl Seen {
    pub(crate) fn is_upload(&self) -> bool {
        self.path.contains("/blobs/uploads/")
    }

    pub(crate) fn is_blob(&self) -> bool {
        self.path.contains("/blobs/sha256:")
    }
}

/// What to do with a request.
#[derive(Clone, Debug)]
pub(crate) enum Action {
    Pass,
    /// Answer without asking the registry and without reading the body.
    Answer(u16, Vec<(&'static str, String)>, String),
    /// Read the whole body first, then answer.
    AnswerLate(u16, Vec<(&'static str, String)>, String),
    /// Forward this many bytes of the body, then break the connection. The registry keeps them if
    /// the proxy was started with `keeps`.
    CutUpload(u64),
    /// Forward this many bytes of the body and drop the rest; the answer contains their number.
    Shorten(u64),
    /// Break the connection after this many bytes of the answer.
    CutDownload(u64),
    /// Send only this many bytes a second, in both directions.
    Slow(u64),
    /// Receive this many bytes a second, and forward the request once it is complete, as nginx does
    /// by default (`proxy_request_buffering`).
    Hold(u64),
    /// Pass, wait, answer.
    Late(Duration),
    /// Pass, but answer with this status.
    As(u16),
    /// Pass, with this header added to the answer.
    With(&'static str, String),
    /// Pass, but with relative addresses in `Location`.
    Relative,
    /// Pass without `Range`.
    Rangeless,
    /// Pass without `mount`, so that an upload is opened instead.
    Unmounted,
}
