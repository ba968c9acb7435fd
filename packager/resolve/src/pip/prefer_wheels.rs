//! Resolves the whole list, and prefers older releases that have wheels for the target to newer ones
//! that would be built from source.

use crate::error::PipError;
use std::collections::BTreeMap;

use crate::pip::compile::{CompileRequest, Compiled, Compiler};
use crate::pip::other_pythons::{ForOthers, OtherPythons};
use crate::pip::pip_request::{PipRequest, Resolved};
use crate::pip::pylock::Pylock;
use crate::{Error, Result};
use mlpack_lock::{ArtifactKind, LockedPackage};
use mlpack_packages::net::client::Client;
use mlpack_packages::net::index;
use mlpack_requirements::Indexes;
use mlpack_requirements::pip::PipList;

/// The strategy: the list together with the server that is added.
///
/// # Errors
/// Those of uv and of its lock.
pub(crate) async fn resolve(request: &PipRequest<'_>) -> Result<Resolved> {
    let found = compile(request.compiler, request.client, &request.list_with_server()?).await?;
    let notes = request.server.notes.iter().cloned().chain(found.notes).collect();
    Ok(Resolved { notes, ..found })
}

/// Resolves, and again while a package is locked to its source although its publisher made wheels of
/// that release: those are for newer C libraries or other Pythons, and an older release has wheels for
/// the target. Packages that never had wheels stay sources.
///
/// # Errors
/// Those of uv and of its lock.
pub(crate) async fn compile(
    compiler: &Compiler<'_>,
    client: &Client,
    request: &CompileRequest,
) -> Result<Resolved> {
    let Compiler { target, directory, settings, list, .. } = *compiler;
    let read = |compiled: Compiled| Pylock::read(compiled.lock, target, directory, &list.hashes);
    let mut request = request.clone();
    let mut newest: BTreeMap<String, String> = BTreeMap::new();
    let mut others = OtherPythons::default();
    let compiled = compiler.compile(&request).await?;
    request.use_host_python = compiled.used_host_python;
    let mut pylock = read(compiled)?;
    loop {
        let open = others.open(&compiler.pythons, client, &pylock.packages, target).await;
        if !open.is_empty() {
            let mut constraints = request.constraints.clone();
            constraints.extend(open.iter().map(ForOthers::constraint));
            let without = CompileRequest { constraints, ..request.clone() };
            match compiler.compile(&without).await {
                Ok(compiled) => {
                    pylock = read(compiled)?;
                    request = without;
                    others.passed_over(open);
                }
                // Nothing else can be had, or not be built: the release stays, and is reported before it is installed.
                Err(_) => others.conflict(open),
            }
            continue;
        }
        let found = with_wheels_elsewhere(&pylock.packages, client, list, &settings.indexes).await;
        let mut wheels_only = request.wheels_only.clone();
        wheels_only.extend(found.iter().map(|(name, _)| name.clone()));
        if wheels_only == request.wheels_only {
            break;
        }
        request = CompileRequest { wheels_only, ..request };
        match compiler.compile(&request).await {
            Ok(compiled) => {
                request.use_host_python = compiled.used_host_python;
                pylock = read(compiled)?;
                newest.extend(found);
            }
            // The list asks for exactly this release; it may still be built.
            Err(Error::Pip(PipError::Unsatisfiable { .. })) => break,
            Err(error) => return Err(error),
        }
    }
    let mut notes = others.notes(&pylock, target);
    let target = target.describe();
    for (name, version) in newest {
        if let Some(package) = pylock.package(&name) {
            let taken = &package.version;
            notes.push(format!("using {name} {taken}: {version} has no wheel for {target}"));
        }
    }
    for package in sources(&pylock.packages).filter(|package| !list.wants_source(&package.name)) {
        let LockedPackage { name, version, .. } = package;
        notes.push(format!("building {name} {version} from source: it has no wheel for {target}"));
    }
    Ok(Resolved { pylock, notes })
}

/// Packages locked to their source although that very release has wheels, with the release.
async fn with_wheels_elsewhere(
    packages: &[LockedPackage],
    client: &Client,
    list: &PipList,
    indexes: &Indexes,
) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let open =
        sources(packages).filter(|package| !indexes.no_index && !list.wants_source(&package.name));
    for package in open {
        // An index without a page for it (another index has it) leaves the source as it is.
        let files = index::files(client, indexes, &package.name).await.unwrap_or_default();
        if index::has_compiled_wheels(&files, &package.version) {
            found.push((package.name.clone(), package.version.clone()));
        }
    }
    found
}

fn sources(packages: &[LockedPackage]) -> impl Iterator<Item = &LockedPackage> {
    packages.iter().filter(|package| package.artifact.kind == ArtifactKind::Sdist)
}
