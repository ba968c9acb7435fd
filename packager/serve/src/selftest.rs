//! One call without a network: `init()`, then the schema's sample or a given file through `run()`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;

use crate::children::Children;
use crate::frame::{Call, Reply};
use crate::output;
use crate::settings::Settings;
use crate::worker::{BootError, CallError, Program, Ready, Worker};

/// How long the worker may take to end.
const STOP_GRACE: Duration = Duration::from_secs(2);

/// Why a self-test failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SelftestError {
    /// The input cannot be read.
    #[error("cannot read {}: {reason}", path.display())]
    Input {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        reason: std::io::Error,
    },
    /// The system refused signals or threads.
    #[error("cannot start: {0}")]
    System(#[from] std::io::Error),
    /// The worker did not start.
    #[error("{0}")]
    Boot(#[from] BootError),
    /// The call has no answer.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The answer is a failure.
    #[error("run() answered with status {status}: {text}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The answer's body.
        text: String,
    },
}

/// Runs the test. Returns the answer's body; none if only `init()` ran, since there is neither a schema nor a file.
///
/// # Errors
/// [`SelftestError`].
pub(crate) async fn selftest(
    settings: &Settings,
    argv: Vec<String>,
    input: Option<&Path>,
) -> Result<Option<Bytes>, SelftestError> {
    output::start()?;
    let children = Children::new()?;
    let program = Program {
        argv,
        init_timeout: settings.init_timeout,
        call_timeout: settings.scoring_timeout,
    };
    let outcome = run(&program, &children, input).await;
    children.close();
    output::flush().await;
    outcome
}

async fn run(
    program: &Program,
    children: &Children,
    input: Option<&Path>,
) -> Result<Option<Bytes>, SelftestError> {
    let body = match input {
        None => None,
        Some(path) => Some(Bytes::from(
            std::fs::read(path)
                .map_err(|reason| SelftestError::Input { path: path.to_owned(), reason })?,
        )),
    };
    let Ready { mut worker, .. } = Worker::boot(program, children).await?;
    let outcome = ask(&mut worker, program, body).await;
    // The log has all that the worker printed.
    worker.stop(STOP_GRACE).await;
    outcome
}

/// Calls `run()` with a body, or with the schema's sample.
async fn ask(
    worker: &mut Worker,
    program: &Program,
    body: Option<Bytes>,
) -> Result<Option<Bytes>, SelftestError> {
    let body = match body {
        Some(body) => body,
        None => match sample(worker, program).await? {
            Some(sample) => sample,
            None => return Ok(None),
        },
    };
    let (reply, body) = call(worker, program, "score", "/score", &body).await?;
    if reply.status >= 400 {
        let text = String::from_utf8_lossy(&body).into_owned();
        return Err(SelftestError::Refused { status: reply.status, text });
    }
    Ok(Some(body))
}

/// Returns the sample of the script's schema, by whichever version of the description has it.
async fn sample(worker: &mut Worker, program: &Program) -> Result<Option<Bytes>, SelftestError> {
    for (version, place) in [("2", "/definitions"), ("3.1", "/components/schemas")] {
        let target = format!("/swagger.json?version={version}");
        let (_, text) = call(worker, program, "swagger", &target, &Bytes::new()).await?;
        let document: Value = serde_json::from_slice(&text).unwrap_or_default();
        // Without a schema the input is described as any object.
        let input = document.pointer(place).and_then(|schemas| schemas.get("ServiceInput"));
        let input = input.filter(|input| input.get("properties").is_some());
        if let Some(example) = input.and_then(|input| input.get("example")) {
            return Ok(Some(example.to_string().into()));
        }
    }
    Ok(None)
}

async fn call(
    worker: &mut Worker,
    program: &Program,
    call: &'static str,
    target: &str,
    body: &Bytes,
) -> Result<(Reply, Bytes), CallError> {
    let is_json = serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok();
    let kind = if is_json { "application/json" } else { "application/octet-stream" };
    let limit = program.call_timeout;
    let call = Call {
        call,
        id: "selftest",
        method: if call == "score" { "POST" } else { "GET" },
        target,
        remote: "",
        timeout_ms: u64::try_from(limit.as_millis()).unwrap_or(u64::MAX),
        headers: vec![("content-type", kind), ("host", "localhost")],
    };
    worker.call(&call, body, limit).await
}
