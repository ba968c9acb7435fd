//! Python interpreters of an image: where they are and which version they are.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use mlpack_oci::rootfs::{Kind, RootFs};
use mlpack_requirements::PythonVersion;
use regex::Regex;
use serde::Serialize;

use super::conda::record_version;
use super::fact::{Evidence, Fact};

/// One interpreter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Interpreter {
    /// Its full version.
    #[serde(serialize_with = "as_text")]
    pub version: PythonVersion,
    /// Absolute path of the executable itself, after symlinks.
    pub path: String,
    /// The path by which `PATH` finds it, if it does.
    pub on_path: Option<String>,
}

fn as_text<S: serde::Serializer>(version: &PythonVersion, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(version)
}

static EXECUTABLE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^(?:(.*)/)?bin/python([23])\.(\d{1,2})m?$").ok());

/// Returns all interpreters, the one that `PATH` finds first in front.
pub(super) fn find(
    root: &RootFs,
    path_dirs: &[String],
    layer_of: &dyn Fn(usize) -> Evidence,
) -> Vec<Fact<Interpreter>> {
    let mut found = BTreeMap::new();
    for (path, entry) in root.below("") {
        if !matches!(entry.entry.kind, Kind::File(_) | Kind::Hardlink(_)) {
            continue;
        }
        let Some(name) = EXECUTABLE.as_ref().and_then(|regex| regex.captures(path)) else {
            continue;
        };
        let prefix = name.get(1).map_or("", |prefix| prefix.as_str());
        let (Ok(major), Ok(minor)) = (name[2].parse(), name[3].parse()) else { continue };
        let Some((version, evidence)) = version_of(root, path, prefix, major, minor) else {
            continue;
        };
        let mut proof = layer_of(evidence.1);
        proof.path = evidence.0;
        let value = Interpreter { version, path: format!("/{path}"), on_path: None };
        found.insert(path.to_owned(), Fact { value, evidence: proof });
    }
    // `python3.6m` is a second name of `python3.6`.
    let aliases: Vec<String> = found
        .keys()
        .filter(|path| path.ends_with('m') && found.contains_key(&path[..path.len() - 1]))
        .cloned()
        .collect();
    for alias in aliases {
        found.remove(&alias);
    }
    order(root, path_dirs, found)
}

fn order(
    root: &RootFs,
    path_dirs: &[String],
    mut found: BTreeMap<String, Fact<Interpreter>>,
) -> Vec<Fact<Interpreter>> {
    let mut ordered = Vec::new();
    for dir in path_dirs {
        for name in ["python", "python3"] {
            let on_path = format!("{dir}/{name}");
            let Some(real) = root.find(&on_path).map(|found| found.path) else { continue };
            let real = real
                .strip_suffix('m')
                .filter(|cut| found.contains_key(*cut))
                .map_or(real.clone(), str::to_owned);
            if let Some(mut fact) = found.remove(&real) {
                fact.value.on_path = Some(on_path);
                ordered.push(fact);
            }
        }
    }
    // Python 3 before 2 where both are reachable: a `python` of version 2 beside a `python3`
    // is a tool of the system, unless it is all there is.
    ordered.sort_by_key(|fact| fact.value.version.major < 3);
    ordered.extend(found.into_values());
    ordered
}

/// Returns the version and where it was read: the header, conda's record, the executable or the
/// library.
fn version_of(
    root: &RootFs,
    path: &str,
    prefix: &str,
    major: u32,
    minor: u32,
) -> Option<(PythonVersion, (String, usize))> {
    let at =
        |rest: &str| if prefix.is_empty() { rest.to_owned() } else { format!("{prefix}/{rest}") };
    let fits = |text: &str| {
        text.parse::<PythonVersion>().ok().filter(|v| v.major == major && v.minor == minor)
    };
    for dir in [format!("python{major}.{minor}"), format!("python{major}.{minor}m")] {
        if let Some((header, found)) = root.text(&at(&format!("include/{dir}/patchlevel.h")))
            && let Some(line) = header.lines().find(|line| line.starts_with("#define PY_VERSION "))
            && let Some(version) = line.split('"').nth(1).and_then(fits)
        {
            return Some((version, (format!("/{}", found.path), found.layer)));
        }
    }
    if let Some((version, found)) = record_version(root, &at("conda-meta"), "python")
        && let Some(version) = fits(&version)
    {
        return Some((version, (format!("/{}", found.path), found.layer)));
    }
    let library = |dir: &str| {
        let start = at(&format!("{dir}libpython{major}.{minor}"));
        root.kept().find(|(path, _)| path.starts_with(&start)).map(|(path, _)| path.to_owned())
    };
    [
        Some(path.to_owned()),
        library("lib/"),
        library("lib/x86_64-linux-gnu/"),
        library("lib/aarch64-linux-gnu/"),
    ]
    .into_iter()
    .flatten()
    .find_map(|file| {
        let (text, found) = root.text(&file)?;
        Some((fits(text)?, (format!("/{}", found.path), found.layer)))
    })
}
