//! The environment variables and directories that the command reads.
#![allow(clippy::disallowed_methods, reason = "the one place that reads the environment")]

mod azure;
mod conda;
mod front_door;
mod packages;
mod registries;

use std::env;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy as _;
use mlpack_oci::Platform;
use mlpack_oci::layer::LayerOptions;

use crate::failure::{Failure, Result};

pub(crate) use azure::azure;
pub(crate) use front_door::front_door;
pub(crate) use packages::packages;
pub(crate) use registries::{docker_config, registries};

/// Returns the moment some hours ago in RFC 3339, in whole seconds.
pub(crate) fn now(hours_ago: i64) -> String {
    let now = jiff::Timestamp::now().as_second() - hours_ago * 3600;
    jiff::Timestamp::from_second(now).map(|time| time.to_string()).unwrap_or_default()
}

/// Returns the moment some days ago, in seconds since 1970.
pub(crate) fn days_ago(days: u32) -> i64 {
    jiff::Timestamp::now().as_second() - i64::from(days) * 24 * 3600
}

/// Returns the current directory.
pub(crate) fn current_dir() -> io::Result<PathBuf> {
    env::current_dir()
}

/// Returns the cache directory of this user.
pub(crate) fn cache_dir() -> Result<PathBuf> {
    if let Some(dir) = variable("MLPACK_CACHE_DIR") {
        return Ok(dir.into());
    }
    let base = etcetera::choose_base_strategy().map_err(|error| Failure::Other {
        message: format!("cannot find a cache directory: {error}"),
        hint: Some("set MLPACK_CACHE_DIR".to_owned()),
    })?;
    Ok(base.cache_dir().join("mlpack"))
}

/// Returns the modification time of what is packed: `SOURCE_DATE_EPOCH`, or the default.
pub(crate) fn mtime() -> Result<u64> {
    let Some(text) = variable("SOURCE_DATE_EPOCH") else {
        return Ok(LayerOptions::DEFAULT_MTIME);
    };
    text.parse().map_err(|_| {
        Failure::usage(
            format!("SOURCE_DATE_EPOCH is `{text}`"),
            "set it to a whole number of seconds since 1970",
        )
    })
}

/// Returns the platform that containers of this machine run on.
pub(crate) fn platform() -> Platform {
    let architecture = match env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    Platform { os: "linux".to_owned(), architecture: architecture.to_owned(), variant: None }
}

/// Returns where programs are looked for.
pub(crate) fn search_path() -> Option<OsString> {
    env::var_os("PATH")
}

/// Returns the Python that a shell would start: that of the active environment, else the first on PATH.
pub(crate) fn python() -> Option<PathBuf> {
    let active = ["VIRTUAL_ENV", "CONDA_PREFIX"].into_iter().filter_map(variable);
    let active = active.map(|folder| PathBuf::from(folder).join("bin/python"));
    let path = search_path().unwrap_or_default();
    let names = ["python3", "python"];
    let on_path =
        names.iter().flat_map(|name| env::split_paths(&path).map(move |dir| dir.join(name)));
    active.chain(on_path.collect::<Vec<_>>()).find(|program| program.is_file())
}

/// Returns a variable that is set and not empty.
pub(crate) fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// Returns the files that name Kubernetes clusters: those of `KUBECONFIG`, else `~/.kube/config`.
pub(crate) fn kubeconfigs(cwd: &Path) -> Vec<PathBuf> {
    match env::var_os("KUBECONFIG").filter(|value| !value.is_empty()) {
        Some(paths) => env::split_paths(&paths)
            .filter(|path| !path.as_os_str().is_empty())
            .map(|path| cwd.join(path))
            .collect(),
        None => env::home_dir().map(|home| home.join(".kube/config")).into_iter().collect(),
    }
}

/// Returns every variable whose name and value are text.
fn variables() -> impl Iterator<Item = (String, String)> {
    env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

/// Returns whether a switch is set, in the words that uv and pip accept.
fn is_on(name: &str) -> bool {
    variable(name).is_some_and(|value| {
        !matches!(value.to_ascii_lowercase().as_str(), "0" | "false" | "no" | "off" | "n" | "f")
    })
}
