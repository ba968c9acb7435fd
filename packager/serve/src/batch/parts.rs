//! Results: a file for each group while the batch runs, one file in the order of the list at its end.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};

use super::BatchError;
use super::arguments::Arguments;
use super::items::Items;

/// The lines of a group.
pub(super) struct Part {
    pub(super) number: u64,
    pub(super) items: u64,
    pub(super) failed: u64,
    pub(super) lines: Vec<u8>,
}

impl Part {
    /// Adds the line of an item.
    pub(super) fn push(&mut self, item: &str, result: Result<Bytes, String>) {
        match result {
            Ok(body) => {
                // What is no JSON is text.
                let text = || String::from_utf8_lossy(&body).into_owned().into();
                let value = serde_json::from_slice::<Value>(&body).unwrap_or_else(|_| text());
                self.line(&json!({ "item": item, "result": value }));
            }
            Err(error) => {
                self.failed += 1;
                self.line(&json!({ "item": item, "error": error }));
            }
        }
    }

    /// Adds a line.
    pub(super) fn line(&mut self, value: &Value) {
        self.lines.extend_from_slice(value.to_string().as_bytes());
        self.lines.push(b'\n');
    }
}

/// Items and failures of a group whose file is there.
#[derive(Clone, Copy)]
struct Done {
    items: u64,
    failed: u64,
}

/// The folder of results.
pub(super) struct Parts {
    output: PathBuf,
    /// Of this shard: `part-3`, or `part`.
    name: String,
    fingerprint: String,
    total: u64,
    done: BTreeMap<u64, Done>,
    /// Held while this process writes to the folder of groups.
    lock: Option<File>,
}

impl Parts {
    /// Opens the folder and finds what an earlier run left.
    ///
    /// # Errors
    /// If it cannot be written, or has results of other inputs.
    pub(super) fn open(arguments: &Arguments, items: &Items) -> Result<Self, BatchError> {
        let suffix = arguments.shard.map(|(index, _)| format!("-{index}")).unwrap_or_default();
        let mut parts = Self {
            output: arguments.output.clone(),
            name: suffix,
            fingerprint: items.fingerprint.clone(),
            total: items.total,
            done: BTreeMap::new(),
            lock: None,
        };
        let folder = parts.folder();
        if parts.summary().is_some() {
            return Ok(parts);
        }
        fs::create_dir_all(&folder).map_err(BatchError::file("write", &folder))?;
        let lock = folder.join("lock");
        let file = File::create(&lock).map_err(BatchError::file("write", &lock))?;
        match file.try_lock() {
            Ok(()) => parts.lock = Some(file),
            Err(TryLockError::WouldBlock) => {
                return Err(BatchError::Busy(arguments.output.display().to_string()));
            }
            Err(TryLockError::Error(error)) => return Err(BatchError::file("write", &lock)(error)),
        }
        let inputs = folder.join("inputs");
        match fs::read_to_string(&inputs) {
            Ok(found) if found == parts.fingerprint => {}
            Ok(_) => return Err(BatchError::OtherInputs(arguments.output.display().to_string())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                atomically(&inputs, parts.fingerprint.as_bytes())?;
            }
            Err(error) => return Err(BatchError::file("read", &inputs)(error)),
        }
        let entries = fs::read_dir(&folder).map_err(BatchError::file("read", &folder))?;
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if let Some((number, done)) = parse(&name) {
                parts.done.insert(number, done);
            } else if name.ends_with(".new") {
                let _ = fs::remove_file(entry.path());
            }
        }
        Ok(parts)
    }

    /// The summary of a run that has ended, if it was of the same inputs.
    pub(super) fn summary(&self) -> Option<Value> {
        let text = fs::read(self.path("summary", "json")).ok()?;
        let summary: Value = serde_json::from_slice(&text).ok()?;
        (summary["inputs"] == *self.fingerprint).then_some(summary)
    }

    /// Whether the group is not there yet.
    pub(super) fn wants(&self, number: u64) -> bool {
        !self.done.contains_key(&number)
    }

    /// Writes a group.
    ///
    /// # Errors
    /// If its file cannot be written.
    pub(super) fn add(&mut self, part: &Part) -> Result<(), BatchError> {
        let done = Done { items: part.items, failed: part.failed };
        atomically(&self.part(part.number, done), &part.lines)?;
        self.done.insert(part.number, done);
        Ok(())
    }

    /// A line for the log.
    pub(super) fn progress(&self) -> String {
        let (done, failed) = self.counts();
        format!("{done} of {} items, {failed} failed", self.total)
    }

    /// # Errors
    /// [`BatchError::TooManyFailed`].
    pub(super) fn check(&self, threshold: Option<u64>) -> Result<(), BatchError> {
        let failed = self.counts().1;
        match threshold {
            Some(threshold) if failed > threshold => {
                Err(BatchError::TooManyFailed { failed, threshold })
            }
            _ => Ok(()),
        }
    }

    /// Puts all groups into one file, writes the summary, and deletes the groups.
    ///
    /// # Errors
    /// If a file cannot be read or written.
    pub(super) fn finish(&self, time: Duration) -> Result<Value, BatchError> {
        let predictions = self.path("predictions", "jsonl");
        let new = predictions.with_extension("new");
        let failed = || BatchError::file("write", &predictions);
        let mut file = File::create(&new).map_err(failed())?;
        for (number, done) in &self.done {
            let mut part = File::open(self.part(*number, *done)).map_err(failed())?;
            io::copy(&mut part, &mut file).map_err(failed())?;
        }
        file.sync_all().and_then(|()| fs::rename(&new, &predictions)).map_err(failed())?;
        let (done, errors) = self.counts();
        let summary = json!({
            "items": done,
            "failed": errors,
            "seconds": (time.as_secs_f64() * 1000.0).round() / 1000.0,
            "output": predictions.display().to_string(),
            "inputs": self.fingerprint,
        });
        atomically(&self.path("summary", "json"), format!("{summary:#}\n").as_bytes())?;
        let _ = fs::remove_dir_all(self.folder());
        Ok(summary)
    }

    fn counts(&self) -> (u64, u64) {
        let sum = |count: fn(&Done) -> u64| self.done.values().map(count).sum();
        (sum(|done| done.items), sum(|done| done.failed))
    }

    fn path(&self, name: &str, extension: &str) -> PathBuf {
        self.output.join(format!("{name}{}.{extension}", self.name))
    }

    fn folder(&self) -> PathBuf {
        self.output.join(format!(".mlpack-batch{}", self.name))
    }

    fn part(&self, number: u64, Done { items, failed }: Done) -> PathBuf {
        self.folder().join(format!("{number}-{items}-{failed}.jsonl"))
    }
}

/// Reads `NUMBER-ITEMS-FAILED.jsonl`.
fn parse(name: &str) -> Option<(u64, Done)> {
    let mut numbers = name.strip_suffix(".jsonl")?.split('-').map(str::parse);
    let (number, items, failed) = (numbers.next()?, numbers.next()?, numbers.next()?);
    Some((number.ok()?, Done { items: items.ok()?, failed: failed.ok()? }))
}

/// Writes a file that is there whole or not at all, also after a power failure.
fn atomically(path: &Path, bytes: &[u8]) -> Result<(), BatchError> {
    let new = path.with_extension("new");
    let write = || {
        let mut file = File::create(&new)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&new, path)
    };
    write().map_err(BatchError::file("write", path))
}
