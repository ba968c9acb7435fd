//! Resolves the list first and adds the server to the outcome, where both together conflict.
//!
//! There are two reasons for such a conflict. `--exclude-newer` may name a day without a server
//! (docs/azureml-2019.md#0.2), and releases of `azureml-defaults` from before the server pin packages
//! that it needs in newer versions. Then the list is resolved alone, as it was meant, and the server is
//! added: packages that the list names stay, others stay where possible, and every change is reported. If
//! the servers that fit the interpreter best do not go with the list, the newest one that does is taken.

use crate::error::PipError;
use std::collections::{BTreeMap, BTreeSet};

use crate::pip::compile::CompileRequest;
use crate::pip::pip_request::{PipRequest, Resolved};
use crate::pip::prefer_wheels;
use crate::pip::pylock::Pylock;
use crate::{Error, Result};
use mlpack_lock::{LockedPackage, SERVER};
use mlpack_requirements::PipLineKind;

/// Whether the strategy can help: the list and the server conflict, and the list does not name the
/// server itself.
pub(crate) fn applies(request: &PipRequest<'_>, failure: &Error) -> bool {
    request.server.alone.is_some() && is_conflict(failure)
}

/// The strategy: the list alone, then the server of today on top.
///
/// # Errors
/// `conflict`, which describes the problem in terms of the list, where the server cannot be added.
pub(crate) async fn resolve(request: &PipRequest<'_>, conflict: Error) -> Result<Resolved> {
    let list = request.list_alone()?;
    let alone = compile(request, &list).await?;
    if alone.pylock.package(SERVER).is_some() {
        return Ok(alone);
    }
    let mut outcome = add_server(request, &list, &alone.pylock).await;
    // What does not go with the list, where another server is taken.
    let mut refused = None;
    if matches!(&outcome, Err(failure) if is_conflict(failure)) {
        let any = with_server(request, &list, &alone.pylock, SERVER.to_owned());
        if let Ok(older) = compile(request, &any).await {
            refused = request.server.alone.as_ref();
            outcome = Ok(older);
        }
    }
    match outcome {
        Ok(whole) => {
            let changes = match refused {
                None => explain(request, &alone.pylock, &whole.pylock),
                Some(range) => {
                    let found = whole.pylock.package(SERVER);
                    let version = found.map_or("", |server| &server.version);
                    vec![format!(
                        "{range} does not go with the pip list; adding {SERVER} {version}"
                    )]
                }
            };
            let mut seen = BTreeSet::new();
            let notes = alone.notes.into_iter().chain(whole.notes).chain(changes);
            let notes = notes.filter(|note| seen.insert(note.clone())).collect();
            Ok(Resolved { pylock: whole.pylock, notes })
        }
        Err(later) if is_conflict(&later) && list.cutoff.is_none() => {
            let server = request.server.alone.as_deref().unwrap_or(SERVER);
            Err(of_the_server(conflict, server))
        }
        Err(later) => Err(later),
    }
}

async fn compile(request: &PipRequest<'_>, run: &CompileRequest) -> Result<Resolved> {
    prefer_wheels::compile(request.compiler, request.client, run).await
}

/// Resolves the list with the server of today, keeping what was found without it.
async fn add_server(
    request: &PipRequest<'_>,
    list: &CompileRequest,
    alone: &Pylock,
) -> Result<Resolved> {
    let companions: Vec<String> =
        request.server.companions.iter().map(|of| with_extras(request, *of)).collect();
    let server = request.server.alone.clone().unwrap_or_default();
    let whole = with_server(request, list, alone, server);
    let mut outcome = compile(request, &whole).await;
    if matches!(&outcome, Err(failure) if is_conflict(failure)) {
        // The server's requirements override those of the list's packages for its companions.
        outcome = compile(request, &CompileRequest { overrides: companions, ..whole }).await;
    }
    let mut found = outcome?;
    // The same release may have more files by now.
    for package in &mut found.pylock.packages {
        if let Some(before) = alone.package(&package.name)
            && before.version == package.version
        {
            package.clone_from(before);
        }
    }
    Ok(found)
}

/// The list with a line for the server, keeping what was found without it.
fn with_server(
    request: &PipRequest<'_>,
    list: &CompileRequest,
    alone: &Pylock,
    server: String,
) -> CompileRequest {
    CompileRequest {
        requirements: list.requirements.iter().cloned().chain([server]).collect(),
        constraints: list.constraints.iter().cloned().chain(pins(request, alone)).collect(),
        preferences: Some(alone.text.clone()),
        cutoff: None,
        ..list.clone()
    }
}

/// Says who asks for the server, and that the list can do without.
fn of_the_server(conflict: Error, server: &str) -> Error {
    match conflict {
        Error::Pip(PipError::Unsatisfiable { target, conflict, reason, .. }) => {
            let reason = format!("`--server azmlinfsrv` adds {server}.\n{reason}");
            let hint = Some(
                "the list alone can be installed: omit `--server azmlinfsrv` for the builtin server, which needs no package, or loosen the lines that the server conflicts with".to_owned(),
            );
            PipError::Unsatisfiable { target, conflict, reason, hint }.into()
        }
        other => other,
    }
}

/// The versions of packages that the list takes from an index by name, except those that the server
/// decides.
fn pins(request: &PipRequest<'_>, alone: &Pylock) -> Vec<String> {
    let decided = |name: &str| request.server.companions.iter().any(|(own, _)| *own == name);
    let lines = request.compiler.list.lines.iter();
    lines
        .filter_map(|line| match &line.kind {
            PipLineKind::Requirement { name, url: None, .. } if !decided(name) => {
                Some(format!("{name}=={}", alone.package(name)?.version))
            }
            _ => None,
        })
        .collect()
}

/// A companion's line with the extras that the list asks of it.
fn with_extras(request: &PipRequest<'_>, (name, specifier): (&str, &str)) -> String {
    let lines = request.compiler.list.lines.iter();
    let extras: BTreeSet<&str> = lines
        .filter_map(|line| match &line.kind {
            PipLineKind::Requirement { name: own, extras, .. } if own == name => Some(extras),
            _ => None,
        })
        .flatten()
        .map(String::as_str)
        .collect();
    if extras.is_empty() {
        return format!("{name}{specifier}");
    }
    let extras: Vec<&str> = extras.into_iter().collect();
    format!("{name}[{}]{specifier}", extras.join(","))
}

/// What was added and what changed, one sentence each.
fn explain(request: &PipRequest<'_>, alone: &Pylock, whole: &Pylock) -> Vec<String> {
    let Some(server) = whole.package(SERVER) else { return Vec::new() };
    let why = match &request.compiler.settings.exclude_newer {
        Some(day) => {
            format!("no inference server uploaded by {day} is compatible with the pip list")
        }
        None => "no inference server is compatible with the pip list as it is".to_owned(),
    };
    let before = |package: &&LockedPackage| alone.package(&package.name).is_none();
    let new = whole.packages.iter().filter(before).count();
    let mut notes = vec![format!(
        "{why}; adding the current {SERVER} {} and {} dependencies, other packages unchanged",
        server.version,
        new.saturating_sub(1)
    )];
    let known: BTreeMap<&str, &str> =
        alone.packages.iter().map(|package| (&*package.name, &*package.version)).collect();
    let changed: Vec<String> = whole
        .packages
        .iter()
        .filter_map(|package| {
            let before = known.get(&*package.name)?;
            (package.version != **before)
                .then(|| format!("{} is {} instead of {before}", package.name, package.version))
        })
        .collect();
    if !changed.is_empty() {
        notes.push(format!("because the server needs it, {}", changed.join(", ")));
    }
    notes
}

/// Whether requirements conflict, or uv backtracked to a release that cannot be built.
fn is_conflict(error: &Error) -> bool {
    match error {
        Error::Pip(PipError::Unsatisfiable { .. })
        | Error::SourceBuild(mlpack_source_build::Error::Unbuildable { .. }) => true,
        Error::Pip(PipError::NoSuchPackage { name, .. }) => name == SERVER,
        _ => false,
    }
}
