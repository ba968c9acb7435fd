//! The environment variables and folders of whoever runs the command.
#![allow(clippy::disallowed_methods, reason = "the one place that reads the environment")]

use std::env;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use mlpack_oci::Platform;

/// The current directory.
pub(crate) fn current_dir() -> io::Result<PathBuf> {
    env::current_dir()
}

/// What containers of this machine run on.
pub(crate) fn platform() -> Platform {
    let architecture = match env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    Platform { os: "linux".to_owned(), architecture: architecture.to_owned(), variant: None }
}

/// Where programs are looked for.
pub(crate) fn search_path() -> Option<OsString> {
    env::var_os("PATH")
}

/// A variable that is set and not empty.
pub(crate) fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// Every variable whose name and value are text.
pub(crate) fn variables() -> impl Iterator<Item = (String, String)> {
    env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

/// Whether a switch is set, in the words uv and pip take.
pub(crate) fn is_on(name: &str) -> bool {
    variable(name).is_some_and(|value| {
        !matches!(value.to_ascii_lowercase().as_str(), "0" | "false" | "no" | "off" | "n" | "f")
    })
}

/// Where Docker keeps logins, and so does mlpack.
pub(crate) fn docker_config() -> Option<PathBuf> {
    variable("DOCKER_CONFIG")
        .map(PathBuf::from)
        .or_else(|| variable("HOME").map(|home| PathBuf::from(home).join(".docker")))
        .map(|dir| dir.join("config.json"))
}

/// Docker's file, then podman's.
pub(crate) fn credential_files() -> Vec<PathBuf> {
    let podman = variable("REGISTRY_AUTH_FILE").map(PathBuf::from).or_else(|| {
        variable("XDG_RUNTIME_DIR").map(|dir| PathBuf::from(dir).join("containers/auth.json"))
    });
    let stored =
        variable("HOME").map(|home| PathBuf::from(home).join(".config/containers/auth.json"));
    [docker_config(), podman, stored].into_iter().flatten().collect()
}

/// Conda's configuration in conda's order, in which what comes later counts more.
pub(crate) fn conda_files() -> Vec<PathBuf> {
    let path = |name: &str| variable(name).map(PathBuf::from);
    // An activated conda names its program rather than its root.
    let program = path("CONDA_EXE");
    let root = program.as_ref().and_then(|program| program.parent()?.parent());
    let home = path("HOME");
    let mut places = Vec::new();
    for folder in [
        Some(PathBuf::from("/etc/conda")),
        Some(PathBuf::from("/var/lib/conda")),
        path("CONDA_ROOT").or_else(|| root.map(PathBuf::from)),
        path("XDG_CONFIG_HOME").map(|dir| dir.join("conda")),
        home.as_ref().map(|home| home.join(".config/conda")),
        home.as_ref().map(|home| home.join(".conda")),
    ] {
        places.extend(folder.iter().flat_map(|dir| condarc(dir)));
    }
    places.extend(home.map(|home| home.join(".condarc")));
    places.extend(path("CONDA_PREFIX").iter().flat_map(|dir| condarc(dir)));
    places.extend(path("CONDARC"));
    places
}

fn condarc(dir: &Path) -> [PathBuf; 3] {
    [".condarc", "condarc", "condarc.d"].map(|name| dir.join(name))
}
