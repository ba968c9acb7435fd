//! The uv executable: given, on the search path, or downloaded once from the index.

use std::ffi::OsStr;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use mlpack_oci::{Digest, Progress};
use tokio::process::Command;

use crate::programs::find_programs;
use crate::{Error, Result};
use mlpack_packages::Settings;
use mlpack_packages::cache::store;
use mlpack_packages::cache::store::Store;
use mlpack_packages::net::client::{Client, Download};
use mlpack_packages::net::index;
use mlpack_packages::wheel::archive::WheelFile;
use mlpack_requirements::Architecture;
use mlpack_requirements::Indexes;
use mlpack_requirements::redact;

/// The version to download; the described interpreter is written for it.
pub const PINNED: &str = "0.13.9";
/// The oldest uv whose lock and messages are read here.
const OLDEST: (u32, u32) = (0, 12);

/// The pinned wheel for a machine: file name and SHA-256 as published on PyPI.
fn pinned(architecture: Architecture) -> (&'static str, &'static str) {
    match architecture {
        Architecture::Amd64 => (
            "uv-0.13.9-py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
            "sha256:d7f459fe4fd247d830351c75686d3996ace3c6f3f728eb0e85a30b7ada0cef19",
        ),
        Architecture::Arm64 => (
            "uv-0.13.9-py3-none-manylinux_2_17_aarch64.manylinux2014_aarch64.musllinux_1_1_aarch64.whl",
            "sha256:5435c5ce14a56431208ca0996416d310f1598e8c2c8ba707688985a16bb82dbe",
        ),
    }
}

/// A uv that runs.
#[derive(Debug, Clone)]
pub struct Uv {
    path: PathBuf,
    cache: PathBuf,
    settings: Settings,
}

/// What a run of uv printed.
pub struct UvOutput {
    /// Whether it exited with 0.
    pub success: bool,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

/// Variables that change what is resolved, for whom, or where it goes. Everything that decides a
/// result is given as an argument; indexes, certificates and proxies stay the caller's.
const SCRUBBED_ENV_VARS: [&str; 34] = [
    "CONDA_PREFIX",
    "CONDA_DEFAULT_ENV",
    "FORCE_COLOR",
    "PYTHONHOME",
    "PYTHONPATH",
    "UV_BUILD_CONSTRAINT",
    "UV_CACHE_DIR",
    "UV_COMPILE_BYTECODE",
    "UV_CONFIG_FILE",
    "UV_CONSTRAINT",
    "UV_CUSTOM_COMPILE_COMMAND",
    "UV_EXCLUDE",
    "UV_EXCLUDE_NEWER",
    "UV_FORK_STRATEGY",
    "UV_MANAGED_PYTHON",
    "UV_NO_BINARY",
    "UV_NO_BINARY_PACKAGE",
    "UV_NO_BUILD",
    "UV_NO_BUILD_ISOLATION",
    "UV_NO_BUILD_PACKAGE",
    "UV_NO_CACHE",
    "UV_OVERRIDE",
    "UV_PRERELEASE",
    "UV_PROJECT",
    "UV_PYTHON",
    "UV_PYTHON_PREFERENCE",
    "UV_REQUIRE_HASHES",
    "UV_RESOLUTION",
    "UV_SYSTEM_PYTHON",
    "UV_TORCH_BACKEND",
    "UV_UNIVERSAL",
    "UV_VERIFY_HASHES",
    "UV_WORKING_DIR",
    "VIRTUAL_ENV",
];

impl Uv {
    /// Finds uv, or fetches it.
    pub async fn find(
        settings: &Settings,
        store: &Store,
        client: &Client,
        progress: &dyn Progress,
    ) -> Result<Self> {
        let found =
            |path: PathBuf| Self { path, cache: store.uv_cache(), settings: settings.clone() };
        if let Some(path) = &settings.uv {
            version(path).await.map_err(|reason| Error::UvBroken { path: path.clone(), reason })?;
            return Ok(found(path.clone()));
        }
        for path in find_programs(settings.search_path.as_ref(), "uv") {
            match version(&path).await {
                Ok(()) => return Ok(found(path)),
                Err(reason) => {
                    progress.note(&format!("ignoring {}: {reason}", path.display()));
                }
            }
        }
        fetch(settings, store, client, progress).await.map(found)
    }

    /// The same uv for other indexes.
    pub fn with_indexes(mut self, indexes: &Indexes) -> Self {
        self.settings.indexes = indexes.clone();
        self
    }

    /// Runs uv in a folder with text as its input; a uv that cannot be started is an error.
    pub async fn run<A: AsRef<OsStr>>(
        &self,
        arguments: &[A],
        input: &str,
        dir: &Path,
        variables: &[(&str, &str)],
    ) -> Result<UvOutput> {
        let broken = |error: io::Error| Error::UvBroken {
            path: self.path.clone(),
            reason: error.to_string(),
        };
        let mut command = Command::new(&self.path);
        for name in SCRUBBED_ENV_VARS {
            command.env_remove(name);
        }
        command.args(arguments).arg("--cache-dir").arg(&self.cache);
        command.args(["--no-config", "--no-progress", "--no-python-downloads", "--color", "never"]);
        let indexes = &self.settings.indexes;
        if let Some(index) = &indexes.index {
            // Not as arguments: every user of the machine can see those.
            command.env("UV_DEFAULT_INDEX", index.secret()).env_remove("UV_INDEX_URL");
        }
        if !indexes.extra.is_empty() {
            let extra: Vec<&str> =
                indexes.extra.iter().map(mlpack_requirements::IndexUrl::secret).collect();
            command.env("UV_INDEX", extra.join(" ")).env_remove("UV_EXTRA_INDEX_URL");
        }
        let secret = |place: &&String| redact(place) != **place;
        let hidden: Vec<&str> = indexes.find_links.iter().filter(secret).map(|p| &**p).collect();
        if !hidden.is_empty() {
            command.env("UV_FIND_LINKS", hidden.join(","));
        }
        for place in indexes.find_links.iter().filter(|place| !secret(place)) {
            command.arg("--find-links").arg(place);
        }
        if indexes.no_index {
            command.arg("--no-index");
        }
        command.envs(variables.iter().copied());
        command
            .current_dir(dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.kill_on_drop(true).spawn().map_err(broken)?;
        if let Some(mut stdin) = child.stdin.take() {
            use tokio::io::AsyncWriteExt as _;
            // If uv exits before it has read everything, its stderr has the reason.
            let _ = stdin.write_all(input.as_bytes()).await;
        }
        let output = child.wait_with_output().await.map_err(broken)?;
        let success = output.status.success();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        if let Some(reason) = breakdown(output.status, &stderr) {
            return Err(Error::UvEnded { path: self.path.clone(), reason });
        }
        Ok(UvOutput {
            success,
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr,
        })
    }
}

/// How uv ended, if it did not end itself: killed, as where memory is short, or by a panic, where a thread is refused.
fn breakdown(status: ExitStatus, stderr: &str) -> Option<String> {
    if status.success() {
        return None;
    }
    // The line of a panic names thread and place, the next has the reason.
    let mut lines = stderr.lines().skip_while(|line| !line.contains("panicked at")).skip(1);
    match lines.next() {
        Some(reason) => Some(format!("ended: {reason} ({status})")),
        None if status.code().is_none() || stderr.trim().is_empty() => {
            Some(format!("ended without a message ({status})"))
        }
        None => None,
    }
}

/// How long a program counts as new.
const NEW: Duration = Duration::from_secs(60);

/// How often a new program that is still open for writing is tried, and how long each time is waited for.
const BUSY_ATTEMPTS: usize = 100;
const BUSY_WAIT: Duration = Duration::from_millis(20);

/// Whether an executable is a uv new enough; the error is the reason.
async fn version(path: &Path) -> Result<(), String> {
    let output = Command::new(path)
        .arg("--version")
        .stdin(Stdio::null())
        .output()
        .await
        .map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let number = |part: Option<&str>| part?.parse::<u32>().ok();
    let mut parts = text.strip_prefix("uv ").unwrap_or("").split(['.', ' ']);
    match (number(parts.next()), number(parts.next())) {
        (Some(major), Some(minor)) if (major, minor) >= OLDEST => Ok(()),
        (Some(_), Some(_)) => Err(format!("{text} is older than uv {}.{}", OLDEST.0, OLDEST.1)),
        _ => Err("it does not answer `--version` as uv does".to_owned()),
    }
}

async fn fetch(
    settings: &Settings,
    store: &Store,
    client: &Client,
    progress: &dyn Progress,
) -> Result<PathBuf> {
    let missing = |reason: String| Error::UvMissing { reason };
    let architecture = Architecture::of_this_machine()
        .ok_or_else(|| missing("no pinned release for this machine".to_owned()))?;
    let path = store.uv(PINNED, architecture.machine());
    if store::is_program(&path) {
        if is_new(&path) {
            wait_until_runnable(&path).await.map_err(missing)?;
        }
        return Ok(path);
    }
    let (filename, sha256) = pinned(architecture);
    let sha256: Digest = sha256.parse().map_err(|error| missing(format!("{error}")))?;
    let files = index::files(client, &settings.indexes, "uv")
        .await
        .map_err(|error| missing(error.to_string()))?;
    let Some(file) = files.into_iter().find(|file| file.filename == filename) else {
        return Err(missing(format!("the index does not list {filename}")));
    };
    let wheel = store.artifact("wheels", &sha256, filename);
    let wanted = Download { url: file.url.as_str(), path: wheel.clone(), sha256, size: None };
    client.file(&wanted, progress).await.map_err(|error| missing(error.to_string()))?;
    let archive = WheelFile::open(&wheel)?;
    let member = format!("uv-{PINNED}.data/scripts/uv");
    let mut reader = archive.read(&member)?;
    let mut file = store::pending(&path)?;
    io::copy(&mut reader.by_ref(), file.as_file_mut()).map_err(Error::io("write", &path))?;
    store::persist_program(file, &path)?;
    wait_until_runnable(&path).await.map_err(missing)?;
    Ok(path)
}

/// Whether a file was written so lately that its writer may still have it open.
fn is_new(path: &Path) -> bool {
    let age = path.metadata().and_then(|meta| meta.modified()).map(|written| written.elapsed());
    matches!(age, Ok(Ok(age)) if age < NEW)
}

/// Waits until no process has a new program open for writing, which the system does not run (ETXTBSY): its writer, or a
/// child that was begun meanwhile and has the open file until it runs its own program.
async fn wait_until_runnable(path: &Path) -> Result<(), String> {
    for _ in 0..BUSY_ATTEMPTS {
        let run = Command::new(path).arg("--version").stdin(Stdio::null()).output().await;
        match run {
            Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy => {
                tokio::time::sleep(BUSY_WAIT).await;
            }
            run => return run.map(drop).map_err(|error| error.to_string()),
        }
    }
    Err("another process has it open for writing".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pins_are_digests() {
        for architecture in [Architecture::Amd64, Architecture::Arm64] {
            let (filename, sha256) = pinned(architecture);
            assert!(filename.contains(PINNED) && filename.contains(architecture.machine()));
            sha256.parse::<Digest>().unwrap();
        }
    }
}
