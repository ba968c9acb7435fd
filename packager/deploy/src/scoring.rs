//! Scoring requests over HTTP.

use mlpack_oci::Secret;

use crate::{Answer, Error, Request, Result, ServiceName, explain_status};

/// Maximum number of characters of an error's body that is kept.
const BODY_SHOWN: usize = 2000;

/// Where and how a service is reached.
pub(crate) struct Endpoint {
    pub(crate) client: reqwest::Client,
    /// `http://127.0.0.1:6789`
    pub(crate) base: String,
    /// The key to send.
    pub(crate) key: Option<Secret>,
}

/// Posts a request to the service at an address.
///
/// # Errors
/// [`Error::NoAnswer`] or [`Error::Answered`].
pub(crate) async fn post(
    name: &ServiceName,
    endpoint: &Endpoint,
    request: &Request,
) -> Result<Answer> {
    let Request { data, content_type, timeout } = request;
    let gone = |error: reqwest::Error| Error::NoAnswer {
        name: name.to_string(),
        reason: if error.is_timeout() {
            format!("the request timed out after {} s", timeout.as_secs())
        } else {
            last_cause(&error)
        },
    };
    let mut post = endpoint
        .client
        .post(format!("{}/score", endpoint.base))
        .header(reqwest::header::CONTENT_TYPE, content_type)
        .timeout(*timeout)
        .body(data.clone());
    if let Some(key) = &endpoint.key {
        post = post.bearer_auth(key.reveal());
    }
    let answer = post.send().await.map_err(gone)?;
    let status = answer.status();
    let header = |key: &str| {
        let value = answer.headers().get(key)?;
        Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    let run_function_failed =
        header("x-ms-run-function-failed").is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let content_type = header("content-type");
    let body = answer.bytes().await.map_err(gone)?.to_vec();
    if status.is_success() {
        return Ok(Answer { status: status.as_u16(), content_type, body });
    }
    let text = String::from_utf8_lossy(&body);
    Err(Error::Answered {
        name: name.to_string(),
        status: status.as_u16(),
        explanation: explain_status(status.as_u16(), run_function_failed, &text),
        body: text.chars().take(BODY_SHOWN).collect(),
    })
}

fn last_cause(error: &reqwest::Error) -> String {
    let mut last: &dyn std::error::Error = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}
