//! Many inputs without a network: each item of a list goes through `run()`, and each has one line in the output.
//!
//! Items are grouped. The lines of a group appear at once, by rename, so that a run which was killed is continued by
//! running it again: groups that are there are not asked again.

mod arguments;
mod items;
mod parts;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

pub(crate) use arguments::{Arguments, parse};
use items::{Item, Items};
use parts::{Part, Parts};

use crate::backend::Backend;
use crate::children::Children;
use crate::metrics::Metrics;
use crate::pool::{OwnedCall, Pool};
use crate::settings::Settings;
use crate::worker::{BootError, Program};
use crate::{log, output};

/// How often the progress is logged.
const PROGRESS: Duration = Duration::from_secs(10);

/// How long a call waits for a worker: until one starts, or none does.
const PATIENCE: Duration = Duration::from_secs(86_400);

/// Why a batch did not end well.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BatchError {
    /// A file cannot be read or written.
    #[error("cannot {action} {path}: {reason}")]
    File {
        /// `read` or `write`.
        action: &'static str,
        /// Which.
        path: String,
        /// The system's reason.
        reason: std::io::Error,
    },
    /// The folder has groups of other inputs.
    #[error("{0} has results of another list or group size; choose another folder or delete it")]
    OtherInputs(String),
    /// Another process works on the same results.
    #[error("another batch writes to {0}; wait for its end or choose another folder")]
    Busy(String),
    /// The system refused signals or threads.
    #[error("cannot start: {0}")]
    System(#[from] std::io::Error),
    /// No worker starts.
    #[error("no worker started:\n{0}")]
    Boot(BootError),
    /// More items failed than may.
    #[error(
        "{failed} items failed, more than the {threshold} that may; the output is not complete"
    )]
    TooManyFailed {
        /// How many failed.
        failed: u64,
        /// How many may.
        threshold: u64,
    },
    /// A signal.
    #[error("interrupted; the same command goes on where this one stopped")]
    Interrupted,
}

impl BatchError {
    fn file(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.display().to_string();
        move |reason| Self::File { action, path, reason }
    }
}

/// Runs a batch and returns its summary.
///
/// # Errors
/// [`BatchError`].
pub(crate) async fn batch(settings: &Settings, arguments: Arguments) -> Result<Value, BatchError> {
    output::start()?;
    let begun = Instant::now();
    let items = Items::open(&arguments)?;
    let mut parts = Parts::open(&arguments, &items)?;
    if let Some(summary) = parts.summary() {
        return Ok(summary);
    }
    let children = Children::new()?;
    let outcome = run(settings, &arguments, items, &mut parts, &children).await;
    children.close();
    output::flush().await;
    outcome?;
    parts.finish(begun.elapsed())
}

async fn run(
    settings: &Settings,
    arguments: &Arguments,
    mut items: Items,
    parts: &mut Parts,
    children: &Children,
) -> Result<(), BatchError> {
    let program = Program {
        argv: arguments.argv.clone(),
        init_timeout: settings.init_timeout,
        call_timeout: settings.scoring_timeout,
    };
    let attempts = settings.boot_attempts;
    let (pool, mut failed) = Pool::start(
        program,
        settings.workers,
        attempts,
        children.clone(),
        Arc::new(Metrics::new()),
    );
    let backend = Backend::Workers(pool.clone());
    let caller = Caller { pool: pool.clone(), backend, limit: settings.body_limit };
    let (mut terminate, mut interrupt) =
        (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let mut progress = tokio::time::interval(PROGRESS);
    progress.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut running: JoinSet<Part> = JoinSet::new();
    loop {
        while running.len() < settings.workers
            && let Some((number, group)) = items.next_group(|number| parts.wants(number))?
        {
            running.spawn(caller.clone().group(number, group));
        }
        tokio::select! {
            part = running.join_next() => match part {
                Some(Ok(part)) => parts.add(&part)?,
                Some(Err(error)) => return Err(BatchError::System(error.into())),
                None => break,
            },
            error = failed.recv() => {
                if let Some(error) = error {
                    return Err(BatchError::Boot(error));
                }
            }
            _ = progress.tick() => log::info(&parts.progress()),
            _ = terminate.recv() => return Err(BatchError::Interrupted),
            _ = interrupt.recv() => return Err(BatchError::Interrupted),
        }
        parts.check(arguments.threshold)?;
    }
    pool.stop().await;
    Ok(())
}

/// Gives items to workers.
#[derive(Clone)]
struct Caller {
    pool: Arc<Pool>,
    backend: Backend,
    limit: u64,
}

impl Caller {
    /// The lines of a group.
    async fn group(self, number: u64, items: Vec<Item>) -> Part {
        // What the script asks for is known when a worker is ready.
        self.pool.wait_until_ready(PATIENCE).await;
        let mut part = Part { number, items: items.len() as u64, failed: 0, lines: Vec::new() };
        if self.pool.takes().mini_batch {
            self.mini_batch(&items, &mut part).await;
        } else {
            for item in &items {
                let result = match item.content(self.limit) {
                    Ok(body) => self.call("score", body).await,
                    Err(error) => Err(error),
                };
                part.push(&item.name, result);
            }
        }
        part
    }

    /// One call of `run(mini_batch)`, which returns a row for each item that it could process.
    async fn mini_batch(&self, items: &[Item], part: &mut Part) {
        let names: Vec<&str> = items.iter().map(|item| &*item.input).collect();
        let answer = self.call("batch", Bytes::from(json!(names).to_string())).await;
        match answer
            .and_then(|body| serde_json::from_slice(&body).map_err(|error| error.to_string()))
        {
            Ok(Value::Array(rows)) => {
                part.failed = part.items.saturating_sub(rows.len() as u64);
                rows.iter().for_each(|row| part.line(&json!({ "result": row })));
            }
            Ok(_) => items.iter().for_each(|item| {
                part.push(&item.name, Err("run() must return a list or a data frame".to_owned()));
            }),
            Err(error) => items.iter().for_each(|item| part.push(&item.name, Err(error.clone()))),
        }
    }

    async fn call(&self, call: &'static str, body: Bytes) -> Result<Bytes, String> {
        let is_json = serde_json::from_slice::<serde::de::IgnoredAny>(&body).is_ok();
        let kind = if is_json { "application/json" } else { "application/octet-stream" };
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let call = OwnedCall {
            call,
            id: "batch".to_owned(),
            method: "POST".to_owned(),
            target: "/score".to_owned(),
            remote: String::new(),
            headers: vec![header("content-type", kind), header("host", "localhost")],
        };
        let deadline = Instant::now() + PATIENCE;
        match self.backend.call(Arc::new(call), body, Arc::new(()), deadline).await {
            Ok((reply, body)) if reply.status < 400 => Ok(body),
            Ok((reply, body)) => {
                let text = String::from_utf8_lossy(&body);
                Err(format!("run() answered with status {}: {text}", reply.status))
            }
            Err(Some(error)) => Err(error.to_string()),
            Err(None) => Err("no worker is ready".to_owned()),
        }
    }
}
