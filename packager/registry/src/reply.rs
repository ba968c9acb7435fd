//! A registry's refusal, short enough to print.

use std::fmt;
use std::time::Duration;

use mlpack_http::retry_after;
use reqwest::header::HeaderMap;
use serde::Deserialize;
use serde_json::Value;

/// The longest error body that is read, in bytes; some registries send HTML pages.
pub(crate) const MAX_ERROR_BODY: u64 = 64 << 10;

/// Headers in which registries return a request's id, by which their operators can find it.
const REQUEST_IDS: [&str; 5] = [
    "x-ms-correlation-request-id",
    "x-ms-request-id",
    "x-amzn-requestid",
    "x-request-id",
    "x-github-request-id",
];

/// A registry's refusal: status, first error of the body (distribution-spec, "Error Codes"), and
/// the id under which the registry logged the request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// As in `DENIED`.
    pub code: Option<String>,
    /// The registry's message, at most one line.
    pub message: Option<String>,
    /// The registry's id of the request.
    pub request_id: Option<String>,
    /// The wait that `Retry-After` demands.
    pub retry_after: Option<Duration>,
}

#[derive(Deserialize)]
struct Body {
    errors: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    code: Option<String>,
    message: Option<String>,
    #[serde(default)]
    detail: Value,
}

#[derive(Deserialize)]
struct TokenBody {
    error: Option<String>,
    error_description: Option<String>,
    details: Option<String>,
}

impl Reply {
    pub(crate) fn new(status: u16, headers: &HeaderMap, body: &[u8]) -> Self {
        let request_id = REQUEST_IDS
            .iter()
            .find_map(|name| headers.get(*name)?.to_str().ok())
            .map(|id| line(id, 100));
        let (code, message) = explain(body);
        Self {
            status,
            code,
            message: message.map(|text| line(&text, 300)),
            request_id,
            retry_after: retry_after(headers),
        }
    }

    /// Returns whether the body's code is one of these.
    pub(crate) fn is(&self, codes: &[&str]) -> bool {
        self.code.as_deref().is_some_and(|code| codes.contains(&code))
    }
}

fn explain(body: &[u8]) -> (Option<String>, Option<String>) {
    if let Ok(body) = serde_json::from_slice::<Body>(body)
        && let Some(first) = body.errors.into_iter().next()
    {
        let detail = detail(&first);
        let message = match (first.message, detail) {
            (Some(message), Some(detail)) => Some(format!("{message}: {detail}")),
            (message, detail) => message.or(detail),
        };
        return (first.code, message);
    }
    if let Ok(body) = serde_json::from_slice::<TokenBody>(body) {
        return (body.error, body.error_description.or(body.details));
    }
    let text = String::from_utf8_lossy(body);
    let text = text.trim();
    // An HTML page does not fit on one line.
    (None, (!text.is_empty() && !text.starts_with('<')).then(|| text.to_owned()))
}

/// Returns what a registry says about a document or a name that it refuses. The detail of a refused login
/// repeats the request.
fn detail(item: &Item) -> Option<String> {
    if !item.code.as_deref().is_some_and(|code| code.ends_with("_INVALID") || code == "UNSUPPORTED")
    {
        return None;
    }
    match &item.detail {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Object(fields) if !fields.is_empty() => Some(item.detail.to_string()),
        Value::Array(items) if !items.is_empty() => Some(item.detail.to_string()),
        _ => None,
    }
}

/// Returns one printable line of at most `limit` characters.
fn line(text: &str, limit: usize) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(limit).collect()
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "status {}", self.status)?;
        if let Some(code) = &self.code {
            write!(f, " {code}")?;
        }
        if let Some(message) = &self.message {
            write!(f, ": {message}")?;
        }
        if let Some(id) = &self.request_id {
            write!(f, " (request id {id})")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(k, v)| (k.parse().unwrap(), v.parse().unwrap())).collect()
    }

    #[test]
    fn reads_the_first_error_and_the_request_id() {
        let body = br#"{"errors":[{"code":"DENIED","message":"no\npush","detail":{}}]}"#;
        let reply = Reply::new(403, &headers(&[("x-ms-correlation-request-id", "ab-1")]), body);
        assert_eq!(reply.to_string(), "status 403 DENIED: no push (request id ab-1)");
    }

    #[test]
    fn reads_a_token_server_and_ignores_html() {
        let oauth = br#"{"error":"invalid_grant","error_description":"expired"}"#;
        let reply = Reply::new(400, &HeaderMap::new(), oauth);
        assert_eq!(reply.to_string(), "status 400 invalid_grant: expired");
        let html = Reply::new(502, &HeaderMap::new(), b"<html>Bad gateway</html>");
        assert_eq!(html.to_string(), "status 502");
    }

    #[test]
    fn what_is_wrong_with_a_document_is_told() {
        let message = |code: &str, detail: &str| {
            let body =
                format!(r#"{{"errors":[{{"code":"{code}","message":"no","detail":{detail}}}]}}"#);
            Reply::new(400, &headers(&[]), body.as_bytes()).message.unwrap()
        };
        assert_eq!(message("MANIFEST_INVALID", r#""no layers""#), "no: no layers");
        assert_eq!(message("MANIFEST_INVALID", r#"{"key":"layers"}"#), r#"no: {"key":"layers"}"#);
        assert_eq!(message("MANIFEST_INVALID", "{}"), "no");
        assert_eq!(message("DENIED", r#"[{"Type":"repository"}]"#), "no");
    }
}
