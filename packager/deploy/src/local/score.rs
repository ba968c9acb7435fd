//! One scoring request to a service.

use std::time::Duration;

use super::LocalDeployer;
use super::services::{published, state_of};
use crate::{Error, Result, ServiceName, explain_status};

/// Characters of an error's body that are kept.
const BODY_SHOWN: usize = 2000;

/// A service's good answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status, 200 to 299.
    pub status: u16,
    /// Its content type, if it says one.
    pub content_type: Option<String>,
    /// Its body as it came.
    pub body: Vec<u8>,
}

impl LocalDeployer {
    /// Posts `data` to the service's `/score`. Azure ML's own client sends JSON
    /// (`application/json`).
    ///
    /// # Errors
    /// [`Error::NoSuchService`], [`Error::NotServing`], [`Error::NoAnswer`], or
    /// [`Error::Answered`] with an explanation for any status but 200 to 299.
    pub async fn run(
        &self,
        name: &ServiceName,
        data: Vec<u8>,
        content_type: &str,
        limit: Duration,
    ) -> Result<Answer> {
        let container = self.find(name).await?;
        let Some(port) = published(&container) else {
            let state = state_of(&container, false);
            return Err(Error::NotServing { name: name.to_string(), state });
        };
        let gone = |error: reqwest::Error| Error::NoAnswer {
            name: name.to_string(),
            reason: if error.is_timeout() {
                format!("it took longer than {} s", limit.as_secs())
            } else {
                last_cause(&error)
            },
        };
        let answer = self
            .http
            .post(format!("http://127.0.0.1:{port}/score"))
            .header(reqwest::header::CONTENT_TYPE, content_type)
            .timeout(limit)
            .body(data)
            .send()
            .await
            .map_err(gone)?;
        let status = answer.status();
        let header = |key: &str| {
            let value = answer.headers().get(key)?;
            Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        let run_function_failed = header("x-ms-run-function-failed")
            .is_some_and(|value| value.eq_ignore_ascii_case("true"));
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
}

fn last_cause(error: &reqwest::Error) -> String {
    let mut last: &dyn std::error::Error = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}
