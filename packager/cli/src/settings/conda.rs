//! Conda's own settings, from the variables and files that conda reads too (conda documentation,
//! "Settings" and "Searching for .condarc").

use std::path::{Path, PathBuf};

use mlpack_packages::CondaSettings;

use super::{is_on, variable};
use crate::failure::{Failure, Result};

/// Returns where conda packages come from.
pub(super) fn settings() -> Result<CondaSettings> {
    let list = |name: &str| {
        let parts = |text: String| {
            let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
            names.map(str::to_owned).collect()
        };
        variable(name).map(parts)
    };
    let alias = variable("CONDA_CHANNEL_ALIAS").map(|alias| {
        alias.parse().map_err(|error| {
            Failure::usage(
                format!("CONDA_CHANNEL_ALIAS is not a URL: {error}"),
                "write it as https://HOST/PATH",
            )
        })
    });
    Ok(CondaSettings {
        alias: alias.transpose()?,
        defaults: list("CONDA_DEFAULT_CHANNELS"),
        channels: list("CONDA_CHANNELS"),
        files: if is_on("MLPACK_NO_CONDARC") { Vec::new() } else { files() },
    })
}

/// Returns conda's configuration files in conda's order: later ones win.
fn files() -> Vec<PathBuf> {
    let path = |name: &str| variable(name).map(PathBuf::from);
    // An activated conda names its program rather than its root.
    let program = path("CONDA_EXE");
    let root = program.as_ref().and_then(|program| program.parent()?.parent());
    let home = path("HOME");
    let mut files = Vec::new();
    for folder in [
        Some(PathBuf::from("/etc/conda")),
        Some(PathBuf::from("/var/lib/conda")),
        path("CONDA_ROOT").or_else(|| root.map(PathBuf::from)),
        path("XDG_CONFIG_HOME").map(|dir| dir.join("conda")),
        home.as_ref().map(|home| home.join(".config/conda")),
        home.as_ref().map(|home| home.join(".conda")),
    ] {
        files.extend(folder.iter().flat_map(|dir| condarc(dir)));
    }
    files.extend(home.map(|home| home.join(".condarc")));
    files.extend(path("CONDA_PREFIX").iter().flat_map(|dir| condarc(dir)));
    files.extend(path("CONDARC"));
    files
}

fn condarc(dir: &Path) -> [PathBuf; 3] {
    [".condarc", "condarc", "condarc.d"].map(|name| dir.join(name))
}
