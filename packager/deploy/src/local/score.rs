//! One scoring request to a service.

use super::docker::LocalDeployer;
use super::services::state_of;
use crate::{Answer, Error, Request, Result, ServiceName, explain_status};

/// Maximum number of characters of an error's body that is kept.
const BODY_SHOWN: usize = 2000;

impl LocalDeployer {
    /// Posts a request to the service's `/score`.
    ///
    /// # Errors
    /// As [`Deployer::run`](crate::Deployer::run).
    pub(super) async fn score(&self, name: &ServiceName, request: Request) -> Result<Answer> {
        let Request { data, content_type, timeout } = request;
        let container = self.find(name).await?;
        let Some(endpoint) = self.endpoint(&container).await? else {
            let state = state_of(&container, false);
            return Err(Error::NotServing { name: name.to_string(), state });
        };
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
            .timeout(timeout)
            .body(data);
        if let Some(key) = &endpoint.key {
            post = post.bearer_auth(key.reveal());
        }
        let answer = post.send().await.map_err(gone)?;
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
