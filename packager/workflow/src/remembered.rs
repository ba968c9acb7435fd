//! Resolutions of the last day, found again by what decided them.
//!
//! A project without a lock file would ask its channels and indexes on every run, which takes
//! seconds and may give other packages each time. What was resolved is kept in the cache as a lock
//! file and used for [`LIFETIME`], unless a new answer is asked for. An index or channel that is a folder
//! of this machine may change at any time: then nothing is remembered.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use mlpack_lock::{LockFile, LockInputs, LockTarget};
use mlpack_oci::Digest;
use mlpack_oci::pending::{sweep, write_atomically};
use mlpack_packages::Settings;
use mlpack_packages::conda::channels::Channels;
use mlpack_resolve::Resolution;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::environment::{self, EnvironmentInputs, settings_for};
use crate::lock_use::recorded_inputs;
use crate::{Result, Session, counted};

/// Version of [`Record`] and of the key.
const FORMAT: u32 = 2;

/// How long a resolution is used.
const LIFETIME: SignedDuration = SignedDuration::from_hours(24);

/// A resolution in the cache.
#[derive(Debug, Serialize, Deserialize)]
struct Record {
    /// When it was made, in RFC 3339.
    made: String,
    /// Digest of the places where packages were looked for, whose addresses may have secrets.
    places: String,
    /// Decisions and warnings.
    notes: Vec<String>,
    /// The text of a lock file in the same folder.
    lock: String,
}

/// Resolves packages, or takes the resolution of an earlier run of the last day. `lock` is where the
/// lock file would be; `refresh` asks again in any case.
pub(crate) fn resolve(
    session: &Session,
    inputs: EnvironmentInputs<'_>,
    lock: &Path,
    refresh: bool,
) -> Result<Resolution> {
    // Errors are those of resolving, which reports them.
    let recorded = recorded_inputs(session, inputs, lock).ok();
    let path = recorded.as_ref().and_then(|recorded| place(session, inputs, lock, recorded));
    let (Some(recorded), Some(path)) = (recorded, path) else {
        return environment::resolve(session, inputs, None);
    };
    let remembered = if refresh { None } else { recall(session, inputs, &path) };
    if let Some((resolution, minutes)) = remembered {
        let packages = resolution.environment.conda.len() + resolution.environment.packages.len();
        let conda = inputs.conda.iter().flat_map(|conda| &conda.notes);
        conda.chain(&resolution.notes).for_each(|note| session.progress.note(note));
        session.progress.note(&format!(
            "Using the {} resolved {} ago; --refresh resolves again, `mlpack lock` keeps them",
            counted(packages, "package"),
            age(minutes)
        ));
        return Ok(resolution);
    }
    let resolution = environment::resolve(session, inputs, None)?;
    if let Err(error) = keep(session, inputs, recorded, &path, &resolution) {
        // Without it the next run resolves again.
        session.progress.note(&error.to_string());
    }
    Ok(resolution)
}

/// Where the resolution is kept; nowhere if something that decides it cannot be named.
fn place(
    session: &Session,
    inputs: EnvironmentInputs<'_>,
    lock: &Path,
    recorded: &LockInputs,
) -> Option<PathBuf> {
    let settings = &session.packages;
    let target = match &inputs.selection.interpreter {
        LockTarget::Base(of) => json!([
            of.python.to_string(),
            of.interpreter,
            of.glibc.to_string(),
            of.architecture.to_string()
        ]),
        LockTarget::New { virtual_packages: of, prefix } => {
            json!([prefix, of.glibc.to_string(), of.architecture.to_string(), of.cuda])
        }
    };
    let mut channels = Vec::new();
    if let (LockTarget::New { .. }, Some(file)) = (&inputs.selection.interpreter, inputs.conda) {
        channels = Channels::with_lines(file, settings).ok()?.shown();
        if channels.iter().any(|channel| is_local(channel)) {
            return None;
        }
    }
    // Files are named from the lock file's folder, and so is what was resolved of them.
    let folder = (!recorded.files.is_empty()).then(|| settings.absolute(lock));
    let files: Vec<_> =
        recorded.files.iter().map(|file| (&file.path, file.sha256.to_string())).collect();
    let key = json!({
        "format": FORMAT,
        "version": session.version,
        "server": recorded.server.name(),
        "conda": recorded.conda,
        "channels": channels,
        "pip": recorded.pip,
        "files": files,
        "folder": folder,
        "exclude newer": recorded.exclude_newer,
        "target": target,
        "places": places(settings, inputs.directory)?,
        "uv": settings.variables.starting_with("UV_").collect::<Vec<_>>(),
    });
    let name = format!("{}.json", Digest::of(key.to_string().as_bytes()).hex());
    Some(session.cache.join("resolutions").join(name))
}

/// A digest of the places that packages come from: addresses, and folders with what is in them;
/// nothing if an index is a folder.
fn places(settings: &Settings, directory: &Path) -> Option<String> {
    let indexes = &settings.indexes;
    let asked: Vec<String> =
        indexes.index.iter().chain(&indexes.extra).map(ToString::to_string).collect();
    if asked.iter().any(|index| is_local(index)) {
        return None;
    }
    let folders = indexes.folders(directory).into_iter().flat_map(|folder| listing(&folder));
    let mut places = vec![format!("no index: {}", indexes.no_index)];
    places.extend(asked.into_iter().chain(indexes.find_links.iter().cloned()).chain(folders));
    Some(Digest::of(json!(places).to_string().as_bytes()).to_string())
}

/// The files of a folder, or a page of links itself, with sizes and times; none if it is not there.
fn listing(place: &Path) -> Vec<String> {
    let file = |path: PathBuf| {
        let meta = fs::metadata(&path).ok()?;
        Some(format!("{} {} {} {}", path.display(), meta.len(), meta.mtime(), meta.mtime_nsec()))
    };
    let Ok(entries) = fs::read_dir(place) else {
        return file(place.to_owned()).into_iter().collect();
    };
    let mut files: Vec<String> = entries.flatten().filter_map(|entry| file(entry.path())).collect();
    files.sort();
    files
}

fn is_local(place: &str) -> bool {
    place.starts_with("file:") || !place.contains("://")
}

/// Returns a resolution that is not too old, and its age in minutes.
fn recall(
    session: &Session,
    inputs: EnvironmentInputs<'_>,
    path: &Path,
) -> Option<(Resolution, i64)> {
    let text = fs::read_to_string(path).ok()?;
    let record: Record = serde_json::from_str(&text).ok()?;
    let age = session.now.parse::<Timestamp>().ok()?.duration_since(record.made.parse().ok()?);
    if age.is_negative() || age > LIFETIME {
        return None;
    }
    let environment =
        LockFile::parse(&record.lock, path, session.lock_places(&[])).ok()?.environment;
    let settings = settings_for(session, inputs, &environment.target).ok()?;
    // A variable in a list may have another value by now.
    if places(&settings, inputs.directory)? != record.places {
        return None;
    }
    let resolution = Resolution { environment, notes: record.notes, settings };
    Some((resolution, age.as_mins()))
}

fn keep(
    session: &Session,
    inputs: EnvironmentInputs<'_>,
    recorded: LockInputs,
    path: &Path,
    resolution: &Resolution,
) -> Result<()> {
    // As the next run will have them: the resolver's own leave out folders that are not there.
    let settings = settings_for(session, inputs, &resolution.environment.target)?;
    // The list may name an index that is a folder.
    let Some(places) = places(&settings, inputs.directory) else { return Ok(()) };
    let file = LockFile {
        inputs: recorded,
        base: inputs.locked_base(),
        cuda: None,
        environment: resolution.environment.clone(),
    };
    let record = Record {
        made: session.now.clone(),
        places,
        notes: resolution.notes.clone(),
        lock: file.render(path, session.lock_places(&[])),
    };
    path.parent().into_iter().for_each(sweep);
    let failed = |error| crate::Error::io("write", path.display())(error);
    let text = serde_json::to_vec(&record).map_err(|error| failed(error.into()))?;
    write_atomically(path, &text).map_err(failed)
}

fn age(minutes: i64) -> String {
    match minutes {
        0 => "less than a minute".to_owned(),
        1 => "a minute".to_owned(),
        2..120 => format!("{minutes} minutes"),
        _ => format!("{} hours", minutes / 60),
    }
}
