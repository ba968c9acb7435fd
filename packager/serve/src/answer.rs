//! Answers and the headers that every answer has.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, ALLOW, CONTENT_TYPE, HeaderMap,
    HeaderName, HeaderValue, ORIGIN, RETRY_AFTER, VARY, WWW_AUTHENTICATE,
};
use hyper::{Response, StatusCode};
use serde_json::json;

use crate::frame::Reply;
use crate::route::Route;

/// An answer.
pub(crate) type Answer = Response<Full<Bytes>>;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("x-ms-client-request-id");
const MS_REQUEST_ID: HeaderName = HeaderName::from_static("x-ms-request-id");
const SERVER_VERSION: HeaderName = HeaderName::from_static("x-ms-server-version");
const RUN_FAILED: HeaderName = HeaderName::from_static("x-ms-run-function-failed");
const TRACE_ID: HeaderName = HeaderName::from_static("traceid");

/// Returns a new identifier that clients cannot predict: 32 hexadecimal digits.
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
    /// `x-request-id`, or a new one.
    pub(crate) id: String,
    echoed: Vec<(HeaderName, HeaderValue)>,
    /// The headers that are too long, if one is.
    pub(crate) too_long: Option<&'static str>,
}

impl Ids {
    /// Longest identifier that is accepted (docs/azureml-2019.md#4.5).
    pub(crate) const LONGEST: usize = 100;

    /// Reads the identifiers that a client sent. `x-ms-request-id` was the client's before `x-ms-client-request-id`,
    /// so each has the other's value where only one is present.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let sent = |name: &HeaderName| headers.get(name).filter(|value| !value.is_empty()).cloned();
        let is_long = |value: &HeaderValue| value.len() > Self::LONGEST;
        let (own, client) = (sent(&REQUEST_ID), sent(&CLIENT_REQUEST_ID));
        let client = client.or_else(|| sent(&MS_REQUEST_ID));
        let legacy = sent(&MS_REQUEST_ID).or_else(|| client.clone());
        let trace = headers.get(TRACE_ID).cloned().map(|value| (TRACE_ID, value));
        let mut ids = Self { id: new_id(), echoed: trace.into_iter().collect(), too_long: None };
        if own.as_ref().is_some_and(is_long) {
            ids.too_long = Some("x-request-id");
            return ids;
        }
        if let Some(own) = &own {
            ids.id = String::from_utf8_lossy(own.as_bytes()).into_owned();
        }
        let own = own.or_else(|| HeaderValue::from_str(&ids.id).ok());
        ids.echoed.extend(own.clone().map(|value| (REQUEST_ID, value)));
        if [&legacy, &client].into_iter().flatten().any(is_long) {
            ids.too_long = Some("x-ms-request-id and x-ms-client-request-id");
            return ids;
        }
        ids.echoed.extend(client.map(|value| (CLIENT_REQUEST_ID, value)));
        ids.echoed.extend(legacy.or(own).map(|value| (MS_REQUEST_ID, value)));
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
    let ran = matches!(status, StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT);
    headers.insert(RUN_FAILED, HeaderValue::from_static(if ran { "True" } else { "False" }));
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

/// A worker's reply as an answer. Headers that HTTP cannot carry are left out.
pub(crate) fn of_reply(reply: Reply, body: Bytes, id: &str) -> Answer {
    let status = StatusCode::from_u16(reply.status).ok();
    // An interim status is not an answer.
    let Some(status) = status.filter(|status| !status.is_informational()) else {
        let text = format!("invalid status {} set by the script", reply.status);
        return failure(StatusCode::INTERNAL_SERVER_ERROR, &text, id);
    };
    let mut answer = Response::new(Full::new(body));
    *answer.status_mut() = status;
    for (name, value) in reply.headers {
        if let (Ok(name), Ok(value)) =
            (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_bytes(&octets(&value)))
        {
            answer.headers_mut().append(name, value);
        }
    }
    // The front door frames the answer itself.
    for name in ["connection", "transfer-encoding", "content-length", "keep-alive", "upgrade"] {
        answer.headers_mut().remove(name);
    }
    answer
}

/// Latin-1 where a value fits it, as WSGI servers encode headers, else UTF-8.
fn octets(value: &str) -> Vec<u8> {
    let latin: Option<Vec<u8>> = value.chars().map(|letter| u8::try_from(letter).ok()).collect();
    latin.unwrap_or_else(|| value.as_bytes().to_vec())
}

/// Adds the headers of cross-origin requests (fetch.spec.whatwg.org, "CORS protocol") where `origins` has the
/// request's origin or `*`.
pub(crate) fn allow_origin(origins: &[String], request: &HeaderMap, answer: &mut HeaderMap) {
    let Some(origin) = request.get(ORIGIN).filter(|origin| is_allowed(origins, origin)) else {
        return;
    };
    // What the script set itself stays.
    if answer.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN) {
        return;
    }
    answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    answer.insert(VARY, HeaderValue::from_static("Origin"));
}

fn is_allowed(origins: &[String], origin: &HeaderValue) -> bool {
    let equal = |allowed: &String| allowed.as_bytes().eq_ignore_ascii_case(origin.as_bytes());
    origins.iter().any(|allowed| allowed == "*" || equal(allowed))
}

/// The answer to an `OPTIONS` request, with the preflight headers where the origin is allowed.
pub(crate) fn preflight(origins: &[String], route: Route, request: &HeaderMap) -> Answer {
    let mut answer = plain(StatusCode::OK, "", "text/html; charset=utf-8");
    let headers = answer.headers_mut();
    headers.insert(ALLOW, HeaderValue::from_static(route.methods()));
    if route == Route::Score {
        headers.insert(RUN_FAILED, HeaderValue::from_static("False"));
    }
    if request.get(ORIGIN).is_some_and(|origin| is_allowed(origins, origin))
        && request.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
    {
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST"));
        if let Some(names) = request.get(ACCESS_CONTROL_REQUEST_HEADERS) {
            headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, names.clone());
        }
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    fn echoed(sent: &[(&'static str, &'static str)]) -> (Ids, HeaderMap) {
        let pair = |(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value));
        let headers = sent.iter().copied().map(pair).collect();
        let mut answer = HeaderMap::new();
        Ids::of(&headers).put(&mut answer);
        (Ids::of(&headers), answer)
    }

    #[test]
    fn identifiers_are_echoed_and_made_where_absent() {
        let (ids, answer) = echoed(&[("x-ms-client-request-id", "mine")]);
        assert_eq!(ids.id.len(), 32);
        assert_eq!(answer["x-request-id"].len(), 32);
        assert_eq!(answer["x-ms-client-request-id"], "mine");
        assert_eq!(answer["x-ms-request-id"], "mine");
        let (_, answer) = echoed(&[("x-request-id", "own"), ("traceid", "t")]);
        assert_eq!(answer["x-ms-request-id"], "own");
        assert_eq!(answer["traceid"], "t");
        assert!(!answer.contains_key("x-ms-client-request-id"));
    }

    #[test]
    fn a_long_identifier_is_named_and_not_echoed() {
        let mut headers = HeaderMap::new();
        headers.insert("x-request-id", HeaderValue::from_str(&"x".repeat(101)).unwrap());
        let ids = Ids::of(&headers);
        assert_eq!(ids.too_long, Some("x-request-id"));
        let mut answer = HeaderMap::new();
        ids.put(&mut answer);
        assert!(!answer.contains_key("x-request-id"));
    }

    #[test]
    fn header_values_are_latin_1_where_they_fit() {
        assert_eq!(octets("é"), [0xe9]);
        assert_eq!(octets("€"), "€".as_bytes());
    }
}
