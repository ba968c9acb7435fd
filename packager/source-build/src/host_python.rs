//! Interpreters of this machine: only to build source distributions, never part of an image.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

use crate::programs;
use mlpack_packages::Settings;
use mlpack_requirements::PythonVersion;

/// An interpreter of this machine that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPython {
    /// Its own path (`sys.executable`).
    pub path: PathBuf,
    /// Its release.
    pub version: PythonVersion,
    /// `x86_64`, `aarch64`.
    pub machine: String,
}

/// Newest minor version looked for by name.
const NEWEST_MINOR: u32 = 15;

/// All interpreters found, those of the wanted minor version first, then the newest.
pub async fn find(settings: &Settings, wanted: PythonVersion) -> Vec<HostPython> {
    let mut names =
        vec![format!("python{}", wanted.minor_text()), "python3".to_owned(), "python".to_owned()];
    names.extend((6..=NEWEST_MINOR).rev().map(|minor| format!("python3.{minor}")));
    let dirs = programs::folders(settings.search_path.as_ref());
    let on_path = dirs.iter().flat_map(|dir| names.iter().map(move |name| dir.join(name)));
    let mut seen = BTreeSet::new();
    let mut found: Vec<HostPython> = Vec::new();
    for candidate in settings.interpreters.iter().cloned().chain(on_path) {
        let real = candidate.canonicalize().unwrap_or_else(|_| candidate.clone());
        // A dispatcher such as a pyenv shim is one file under many names.
        let name = candidate.file_name().map(ToOwned::to_owned);
        if !candidate.is_file() || !seen.insert((real, name)) {
            continue;
        }
        if let Some(python) = ask(&candidate).await
            && !found.iter().any(|other| other.path == python.path)
        {
            found.push(python);
        }
    }
    let given = settings.interpreters.len();
    let order = |index: usize, python: &HostPython| {
        let same = python.version.same_minor(wanted);
        (!same, index >= given, std::cmp::Reverse(python.version))
    };
    let mut ordered: Vec<_> = found.into_iter().enumerate().collect();
    ordered.sort_by_key(|(index, python)| order(*index, python));
    ordered.into_iter().map(|(_, python)| python).collect()
}

/// The first interpreter of a minor version; the others are not asked.
pub async fn first(settings: &Settings, wanted: PythonVersion) -> Option<HostPython> {
    let names =
        [format!("python{}", wanted.minor_text()), "python3".to_owned(), "python".to_owned()];
    let dirs = programs::folders(settings.search_path.as_ref());
    let on_path = names.iter().flat_map(|name| dirs.iter().map(move |dir| dir.join(name)));
    for candidate in settings.interpreters.iter().cloned().chain(on_path) {
        if candidate.is_file()
            && let Some(python) = ask(&candidate).await
            && python.version.same_minor(wanted)
        {
            return Some(python);
        }
    }
    None
}

/// Runs a candidate and asks what it is; one that does not run or is no CPython is left out.
async fn ask(path: &Path) -> Option<HostPython> {
    try_ask(path).await.ok()
}

/// The same; the error is the reason why it is none.
pub async fn try_ask(path: &Path) -> Result<HostPython, String> {
    const QUESTION: &str = "import sys, platform; print(sys.executable); print('.'.join(map(str, sys.version_info[:3]))); print(platform.machine()); print(platform.python_implementation())";
    let output = Command::new(path)
        .args(["-I", "-S", "-c", QUESTION])
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .map_err(|error| error.to_string())?;
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        let last = stderr.lines().rfind(|line| !line.trim().is_empty());
        return Err(last.map_or_else(|| output.status.to_string(), |line| line.trim().to_owned()));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let lines: Vec<&str> = text.lines().collect();
    let [executable, version, machine, "CPython"] = lines[..] else {
        return Err(format!("it is not CPython: {:?}", lines.join(" ")));
    };
    let version = version.parse().map_err(|error| format!("{error}"))?;
    Ok(HostPython { path: executable.into(), version, machine: machine.to_owned() })
}
