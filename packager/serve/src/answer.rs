//! Answers and the headers that every answer has.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, ORIGIN, RETRY_AFTER, VARY, WWW_AUTHENTICATE,
};
use hyper::{Response, StatusCode};
use serde_json::json;

/// An answer.
pub(crate) type Answer = Response<Full<Bytes>>;

/// Longest request identifier that is taken (docs/azureml-2019.md#4.5).
const LONGEST_ID: usize = 100;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("x-ms-client-request-id");
const MS_REQUEST_ID: HeaderName = HeaderName::from_static("x-ms-request-id");
const SERVER_VERSION: HeaderName = HeaderName::from_static("x-ms-server-version");
const TRACE_ID: HeaderName = HeaderName::from_static("traceid");

/// A new identifier, not to be foreseen from outside: 32 hexadecimal digits.
pub(crate) fn new_id() -> String {
    static SEED: LazyLock<(RandomState, RandomState)> =
        LazyLock::new(|| (RandomState::new(), RandomState::new()));
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{:016x}{:016x}", SEED.0.hash_one(number), SEED.1.hash_one(number))
}

/// The identifiers of a request.
#[derive(Debug)]
pub(crate) struct Ids {
    /// `x-request-id`, or the legacy header's value, or a new one.
    pub(crate) id: String,
    echoed: Vec<(HeaderName, HeaderValue)>,
    /// The header that is too long, if one is.
    pub(crate) too_long: Option<HeaderName>,
}

impl Ids {
    /// Reads the identifiers that a client sent.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let mut ids = Self { id: String::new(), echoed: Vec::new(), too_long: None };
        for name in [REQUEST_ID, MS_REQUEST_ID, CLIENT_REQUEST_ID, TRACE_ID] {
            let Some(value) = headers.get(&name) else { continue };
            if value.len() > LONGEST_ID {
                ids.too_long.get_or_insert(name);
                continue;
            }
            if ids.id.is_empty() && (name == REQUEST_ID || name == MS_REQUEST_ID) {
                ids.id = String::from_utf8_lossy(value.as_bytes()).into_owned();
            }
            ids.echoed.push((name, value.clone()));
        }
        if ids.id.is_empty() {
            ids.id = new_id();
        }
        if let Ok(value) = HeaderValue::from_str(&ids.id)
            && !ids.echoed.iter().any(|(name, _)| name == REQUEST_ID)
        {
            ids.echoed.push((REQUEST_ID, value));
        }
        ids
    }

    /// Adds the identifiers and the server's name to an answer.
    pub(crate) fn put(self, headers: &mut HeaderMap) {
        for (name, value) in self.echoed {
            headers.insert(name, value);
        }
        let server = concat!("mlpack-serve/", env!("CARGO_PKG_VERSION"));
        headers.entry(SERVER_VERSION).or_insert(HeaderValue::from_static(server));
    }
}

/// Text with a status.
pub(crate) fn plain(status: StatusCode, text: impl Into<Bytes>, kind: &'static str) -> Answer {
    let mut answer = Response::new(Full::new(text.into()));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    answer
}

/// A failure of the front door as JSON: what happened, and the request's identifier.
pub(crate) fn failure(status: StatusCode, message: &str, id: &str) -> Answer {
    let body = json!({ "message": message, "requestId": id }).to_string();
    let mut answer = plain(status, body, "application/json");
    let headers = answer.headers_mut();
    match status {
        StatusCode::SERVICE_UNAVAILABLE => {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        StatusCode::UNAUTHORIZED => {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        _ => {}
    }
    answer
}

/// Adds the headers of cross-origin requests (fetch.spec.whatwg.org, "CORS protocol") where `origins` has the
/// request's origin or `*`.
pub(crate) fn allow_origin(origins: &[String], request: &HeaderMap, answer: &mut HeaderMap) {
    let Some(origin) = request.get(ORIGIN) else { return };
    let any = origins.iter().any(|allowed| allowed == "*");
    let listed = origins.iter().any(|allowed| allowed.as_bytes() == origin.as_bytes());
    if !any && !listed {
        return;
    }
    // What the script set itself stays.
    if answer.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN) {
        return;
    }
    answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    answer.insert(VARY, HeaderValue::from_static("origin"));
}

/// The answer to a preflight request.
pub(crate) fn preflight(requested: &HeaderMap) -> Answer {
    let mut answer = plain(StatusCode::OK, "", "text/html; charset=utf-8");
    let headers = answer.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, OPTIONS, POST"));
    if let Some(names) = requested.get("access-control-request-headers") {
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, names.clone());
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_echoed_and_made_where_absent() {
        let mut headers = HeaderMap::new();
        headers.insert("x-ms-client-request-id", HeaderValue::from_static("mine"));
        let ids = Ids::of(&headers);
        assert_eq!(ids.id.len(), 32);
        let mut answer = HeaderMap::new();
        let id = ids.id.clone();
        ids.put(&mut answer);
        assert_eq!(answer["x-ms-client-request-id"], "mine");
        assert_eq!(answer["x-request-id"], id.as_str());
    }

    #[test]
    fn a_long_identifier_is_named() {
        let mut headers = HeaderMap::new();
        headers.insert("x-request-id", HeaderValue::from_str(&"x".repeat(101)).unwrap());
        assert_eq!(Ids::of(&headers).too_long.unwrap(), "x-request-id");
    }
}
