//! The container of a batch: made, followed and removed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{self, Path, PathBuf};
use std::time::{Duration, Instant};

use mlpack_deploy::{Ended, explain_end};
use mlpack_engine::{ContainerSpec, ContainerStatus, Engine, Error as EngineError, Mount};
use mlpack_oci::pending::write_durably;
use mlpack_oci::{Digest, Image, Location, labels};
use mlpack_project::image::FRONT_DOOR;
use tokio::time::sleep;

use super::error::BatchError;
use super::inputs::{Inputs, absolute, check};
use super::list::List;
use super::{BatchInput, BatchRequest, BatchSummary};
use crate::{Error, Session, counted};

/// How often the container is looked at.
const INTERVAL: Duration = Duration::from_millis(500);

/// How often the counts are reported.
const REPORT: Duration = Duration::from_secs(5);

/// Number of lines of the log that are kept beside the results.
const LOG_KEPT: usize = 10_000;

/// Number of lines of the log in an error.
const LOG_TAIL: usize = 50;

/// Where the container finds the list of files.
const LIST: &str = "/tmp/mlpack-batch-list";

/// Label of a container: the digest of everything that it was asked for.
const LABEL: &str = "org.mlpack.batch";

/// Where the front door keeps complete groups until the end.
const GROUPS: &str = ".mlpack-batch";

/// What the results of a folder are of.
const MARKER: &str = ".mlpack-batch-inputs";

/// A batch that runs.
#[derive(Debug)]
pub struct Batch {
    engine: Engine,
    container: String,
    output: PathBuf,
    list: List,
}

/// Starts a batch, or finds the one that an earlier run has started.
///
/// # Errors
/// [`BatchError`]
pub fn start(session: &Session, request: &BatchRequest) -> Result<Batch, BatchError> {
    let output = path::absolute(session.cwd.join(&request.output));
    let output = output.map_err(Error::io("find", request.output.display()))?;
    // Nothing is made before everything that can be refused.
    check(&output)?;
    let output = absolute(&output).unwrap_or(output);
    let (list, mut mounts) = match &request.input {
        BatchInput::Files(text) => {
            let Inputs { files, folders } = Inputs::find(text, &session.cwd, &output)?;
            let mounts: Vec<Mount> =
                folders.iter().map(|folder| Mount::read_only(folder)).collect();
            (List::of_files(session, &files)?, mounts)
        }
        BatchInput::Lines(file) => (List::of_lines(&session.cwd.join(file))?, Vec::new()),
    };
    fs::create_dir_all(&output).map_err(Error::io("make", output.display()))?;
    let output = absolute(&output)?;
    check(&output)?;
    let engine = session.engine()?;
    let image = session.open(&request.image, &session.platform, None)?;
    let worker =
        worker(&image).ok_or_else(|| BatchError::Image { image: request.image.to_string() })?;
    let id = match &request.image {
        Location::Engine { .. } => image.id.0,
        _ => {
            let name = format!("mlpack-batch:{}", &image.digest.hex()[..12]);
            session.put(&image, &Location::Engine { name }, None)?.digest
        }
    };
    let option = if matches!(request.input, BatchInput::Files(_)) { "--files" } else { "--lines" };
    let mut command: Vec<String> =
        [FRONT_DOOR, "batch", option, LIST, "--output"].map(str::to_owned).into();
    command.extend([
        output.display().to_string(),
        "--mini-batch-size".to_owned(),
        request.mini_batch_size.to_string(),
        "--error-threshold".to_owned(),
        request.error_threshold.to_string(),
        "--".to_owned(),
    ]);
    command.extend(worker);
    let mut env = request.environment.clone();
    env.insert("WORKER_COUNT".to_owned(), request.workers.to_string());
    let asked = format!("{id}\n{command:?}\n{env:?}\n{}", list.digest);
    let asked = Digest::of(asked.as_bytes()).to_string();
    let name =
        format!("mlpack-batch-{}", &Digest::of(output.as_os_str().as_encoded_bytes()).hex()[..12]);
    if let Some(container) = session.runtime.block_on(running(&engine, &name, &asked))? {
        session
            .progress
            .note(&format!("Following container {container}, which an earlier run has started"));
        return Ok(Batch { engine, container, output, list });
    }
    claim(&output, &list.digest, request)?;
    mounts.push(Mount { host: list.path.clone(), container: LIST.into(), is_read_only: true });
    mounts.push(Mount { host: output.clone(), container: output.clone(), is_read_only: false });
    let spec = ContainerSpec {
        name,
        image: id.to_string(),
        env,
        labels: BTreeMap::from([(LABEL.to_owned(), asked)]),
        command,
        // So that the results belong to the user who runs mlpack.
        user: Some(format!(
            "{}:{}",
            rustix::process::geteuid().as_raw(),
            rustix::process::getegid().as_raw()
        )),
        mounts,
        ..ContainerSpec::default()
    };
    let container = spec.name.clone();
    session.runtime.block_on(async {
        engine.create_container(&spec).await?;
        engine.start_container(&container).await
    })?;
    Ok(Batch { engine, container, output, list })
}

/// Refuses a folder that has results of other inputs or groups, and writes down what its results are of.
fn claim(output: &Path, list: &Digest, request: &BatchRequest) -> Result<(), BatchError> {
    let kind = if matches!(request.input, BatchInput::Files(_)) { "files" } else { "lines" };
    let inputs = format!("{kind} {} {}\n", request.mini_batch_size, list.hex());
    let marker = output.join(MARKER);
    let before = fs::read_to_string(&marker).ok();
    let is_empty = !output.join("predictions.jsonl").exists() && !output.join(GROUPS).exists();
    if !is_empty && before.as_ref() != Some(&inputs) {
        let message =
            format!("{} has results of other inputs or another group size", output.display());
        return Err(BatchError::input(message, "choose another folder, or delete it"));
    }
    Ok(write_durably(&marker, inputs.as_bytes()).map_err(Error::io("write", marker.display()))?)
}

/// Returns the worker that an image starts behind the front door; `None` for images of others.
fn worker(image: &Image) -> Option<Vec<String>> {
    let config = image.config.config().as_ref()?;
    config.labels().as_ref()?.get(labels::FRONT_DOOR)?;
    let words = config.entrypoint().as_ref()?;
    match words.as_slice() {
        [door, mode, dashes, worker @ ..]
            if door == FRONT_DOOR && mode == "serve" && dashes == "--" =>
        {
            Some(worker.to_vec())
        }
        _ => None,
    }
}

/// Returns the container that does the same already. One that has ended is removed.
async fn running(engine: &Engine, name: &str, asked: &str) -> Result<Option<String>, BatchError> {
    let found = match engine.inspect_container(name).await {
        Err(EngineError::NoSuchContainer { .. }) => return Ok(None),
        found => found?,
    };
    match (found.status, found.labels.get(LABEL)) {
        (ContainerStatus::Running, Some(other)) if other == asked => Ok(Some(name.to_owned())),
        (ContainerStatus::Running | ContainerStatus::Paused, _) => {
            Err(BatchError::Busy { container: name.to_owned() })
        }
        _ => {
            engine.remove_container(&found.id).await?;
            Ok(None)
        }
    }
}

impl Batch {
    /// Returns what stops the batch: complete groups stay, and the same command goes on with the others.
    pub fn stop(&self, session: &Session) -> impl FnOnce() + Send + 'static {
        let (runtime, engine, container) =
            (session.runtime.clone(), self.engine.clone(), self.container.clone());
        // The process ends next: there is no one to report to.
        move || drop(runtime.block_on(engine.remove_container(&container)))
    }

    /// Waits until the batch has ended.
    ///
    /// # Errors
    /// [`BatchError::Failed`]
    pub fn wait(self, session: &Session) -> Result<BatchSummary, BatchError> {
        let what = format!(
            "Processing {}",
            counted(usize::try_from(self.list.total).unwrap_or(usize::MAX), "item")
        );
        let meter = session.progress.begin(&what, None);
        let ended = session.runtime.block_on(self.follow(session));
        meter.finish(if ended.is_ok() { "processed" } else { "failed" });
        let exit_code = ended?;
        let log = session.runtime.block_on(self.engine.logs(&self.container, LOG_KEPT))?;
        let kept = self.output.join("batch.log");
        write_durably(&kept, log.as_bytes()).map_err(Error::io("write", kept.display()))?;
        session.runtime.block_on(self.engine.remove_container(&self.container))?;
        let summary = fs::read(self.output.join("summary.json")).ok();
        let summary = summary.and_then(|text| serde_json::from_slice(&text).ok());
        match (exit_code, summary) {
            (Some(0), Some(summary)) => Ok(summary),
            _ => Err(failed(&log, exit_code)),
        }
    }

    /// Reports progress until the container has ended, and returns its exit code.
    async fn follow(&self, session: &Session) -> Result<Option<i64>, BatchError> {
        let (mut reported, mut said) = (Instant::now(), (0, 0));
        loop {
            let container = self.engine.inspect_container(&self.container).await?;
            let goes_on = [ContainerStatus::Running, ContainerStatus::Paused];
            if !goes_on.contains(&container.status) {
                return Ok(container.exit_code);
            }
            let counts = counts(&self.output.join(GROUPS));
            if counts != said && reported.elapsed() >= REPORT {
                (reported, said) = (Instant::now(), counts);
                let (done, failed) = counts;
                session
                    .progress
                    .note(&format!("{done} of {} items, {failed} failed", self.list.total));
            }
            sleep(INTERVAL).await;
        }
    }
}

/// Returns how many items are done and how many of them failed: the names of groups are `NUMBER-ITEMS-FAILED.jsonl`.
fn counts(groups: &Path) -> (u64, u64) {
    let (mut done, mut failed) = (0, 0);
    for entry in fs::read_dir(groups).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(name) = name.to_str().and_then(|name| name.strip_suffix(".jsonl")) else {
            continue;
        };
        let mut numbers = name.split('-').map(|number| number.parse::<u64>().unwrap_or(0));
        let mut next = || numbers.next().unwrap_or(0);
        let (_, items, bad) = (next(), next(), next());
        done += items;
        failed += bad;
    }
    (done, failed)
}

/// Explains why a batch ended: by its last error line, else by how its container ended.
fn failed(log: &str, exit_code: Option<i64>) -> BatchError {
    let error = |line: &str| {
        if let Some(message) = line.strip_prefix("mlpack-serve: ") {
            return Some(message.to_owned());
        }
        let event: serde_json::Value = serde_json::from_str(line).ok()?;
        let message = event["message"].as_str()?.to_owned();
        (event["level"] == "error").then_some(message)
    };
    let lines: Vec<&str> = log.lines().collect();
    let tail = lines[lines.len().saturating_sub(LOG_TAIL)..].join("\n");
    let last = log.lines().rev().find_map(error);
    match (exit_code, last) {
        (Some(1 | 2), Some(cause)) => {
            let hint = "the same command goes on with the items that are left; `--error-threshold -1` lets any number fail";
            BatchError::Failed { cause, hint: hint.to_owned(), log: tail }
        }
        _ => {
            let explanation = explain_end(log, Ended { exit_code, ..Ended::default() });
            BatchError::Failed { cause: explanation.cause, hint: explanation.hint, log: tail }
        }
    }
}
