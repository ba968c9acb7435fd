//! One request and its answer, repeated while it may succeed.

use std::time::Duration;

use mlpack_http::{
    Cause, Retry, RetryPolicy, Retryable, SystemClock, is_transient, retry, retry_after,
};
use reqwest::header::HeaderMap;
use reqwest::{Client, RequestBuilder, Response};
use serde_json::Value;

use crate::{Error, Result};

/// Attempts at one request. Azure asks for up to some minutes when it is throttled.
const RETRY: RetryPolicy = RetryPolicy {
    attempts: 4,
    first_wait: Duration::from_millis(500),
    longest_wait: Duration::from_secs(300),
};

/// The largest answer that is read, in bytes. A page of container groups has some hundred kilobytes.
const MAX_BODY: usize = 32 << 20;

/// The longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);

/// The longest wait for an answer.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A client of Azure's services.
#[derive(Debug, Clone)]
pub(crate) struct Http {
    client: Client,
}

/// An answer with a status of 200 to 299.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    /// `null` if there is none.
    pub(crate) body: Value,
}

struct Failure {
    error: Error,
    retry: Retry,
}

impl Retryable for Failure {
    fn retry(&self) -> Retry {
        self.retry
    }
}

impl Http {
    pub(crate) fn new() -> Result<Self> {
        let client = Client::builder()
            .user_agent(concat!("mlpack/", env!("CARGO_PKG_VERSION")))
            // A token is never sent to where an answer points.
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            .build();
        let client = client.map_err(|error| unreachable("create an HTTP client", error).error)?;
        Ok(Self { client })
    }

    /// Sends a request until it is answered. `action` completes "cannot ...".
    ///
    /// # Errors
    /// [`Error::Unreachable`], [`Error::Refused`] or [`Error::Answer`].
    pub(crate) async fn send(
        &self,
        action: &str,
        request: impl Fn(&Client) -> RequestBuilder,
    ) -> Result<Answer> {
        let work = || async {
            let sent = request(&self.client).send().await;
            read(action, sent.map_err(|error| unreachable(action, error))?).await
        };
        retry(RETRY, &SystemClock, work).await.map_err(|failure: Failure| failure.error)
    }
}

async fn read(action: &str, mut response: Response) -> Result<Answer, Failure> {
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| unreachable(action, error))? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > MAX_BODY {
            let reason = format!("it is larger than {} MiB", MAX_BODY >> 20);
            let error = Error::Answer { action: action.to_owned(), reason };
            return Err(Failure { error, retry: Retry::Never });
        }
    }
    let parsed: Result<Value, _> = serde_json::from_slice(&bytes);
    if !(200..300).contains(&status) {
        let retry = match is_transient(status) {
            true => Retry::asked(retry_after(&headers)),
            false => Retry::Never,
        };
        let body = parsed.unwrap_or_default();
        return Err(Failure { error: refused(action, status, &body), retry });
    }
    let body = match parsed {
        Ok(body) => body,
        Err(_) if bytes.is_empty() => Value::Null,
        Err(error) => {
            let error = Error::Answer { action: action.to_owned(), reason: error.to_string() };
            return Err(Failure { error, retry: Retry::Never });
        }
    };
    Ok(Answer { status, headers, body })
}

fn unreachable(action: &str, error: reqwest::Error) -> Failure {
    let host = error.url().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
    let timed_out = error.is_timeout();
    let cause = Cause::of(error);
    let retry = cause.retry();
    let reason = if timed_out { "it did not answer in time".to_owned() } else { cause.reason };
    Failure { error: Error::Unreachable { action: action.to_owned(), host, reason }, retry }
}

/// Returns the error of a body: `{"error": {"code", "message", "details"}}` of the resource manager (ARM RPC, "Error
/// response content"), or `{"error", "error_description"}` of the directory (RFC 6749, section 5.2).
fn refused(action: &str, status: u16, body: &Value) -> Error {
    let (code, message) = code_and_message(body);
    Error::Refused { action: action.to_owned(), code, message, status }
}

/// Returns what an error says, in one line.
pub(crate) fn code_and_message(body: &Value) -> (String, String) {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let error = if body["error"].is_object() { &body["error"] } else { body };
    // The innermost is the most exact one.
    let inner = error["details"].as_array().and_then(|details| details.first());
    let inner = inner.filter(|inner| inner["message"].is_string()).unwrap_or(error);
    let code = text(&inner["code"]).or_else(|| text(&body["error"]));
    let message = text(&inner["message"]).or_else(|| text(&body["error_description"]));
    let message = message.unwrap_or_else(|| "it gave no reason".to_owned());
    let message = message.lines().next().unwrap_or_default().trim_end_matches('.').to_owned();
    (code.unwrap_or_else(|| "no code".to_owned()), message)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn errors_of_the_resource_manager_and_of_the_directory_are_read() {
        let of = |body: Value| refused("put a", 409, &body).to_string();
        let simple = json!({ "error": { "code": "Conflict", "message": "Busy.\nTrace: 1" } });
        assert_eq!(of(simple), "Azure refused to put a: Busy (Conflict, status 409)");
        let nested = json!({ "error": { "code": "Invalid", "message": "See details.", "details": [{ "code": "Cpu", "message": "Too many" }] } });
        assert_eq!(of(nested), "Azure refused to put a: Too many (Cpu, status 409)");
        let login = json!({ "error": "invalid_client", "error_description": "AADSTS7000215: Invalid secret.\r\nTrace ID: 1" });
        assert_eq!(
            of(login),
            "Azure refused to put a: AADSTS7000215: Invalid secret (invalid_client, status 409)"
        );
        assert_eq!(
            of(Value::Null),
            "Azure refused to put a: it gave no reason (no code, status 409)"
        );
    }
}
