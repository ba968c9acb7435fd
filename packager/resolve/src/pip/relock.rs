//! Resolves again when little changed: everything that was locked stays, and uv sees only the pins that
//! are new. Then it asks the index for these alone, and builds nothing to learn dependencies.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::str::FromStr as _;

use pep440_rs::{Operator, Version};

use crate::Result;
use crate::pip::compile::{CompileRequest, Compiler};
use crate::pip::direct_sources::file_url;
use crate::pip::pip_request::{PipRequest, Resolved};
use crate::pip::{prefer_wheels, preferences};
use mlpack_lock::{ArtifactKind, LockedEnvironment, LockedPackage};
use mlpack_packages::cache::store::Store;
use mlpack_packages::wheel::archive::WheelFile;
use mlpack_packages::wheel::stub;
use mlpack_requirements::pip::{PipList, Wanted};
use mlpack_requirements::{PipLine, Target};
use mlpack_source_build::builder;

/// Whether a requirement allows exactly one release.
fn is_pin(line: &PipLine) -> bool {
    let exact = [Operator::Equal, Operator::ExactEqual];
    let mut specifiers = line.specifier().into_iter().flat_map(|specifiers| specifiers.iter());
    specifiers.any(|specifier| exact.contains(specifier.operator()))
}

/// Whether a requirement allows the release that a package is locked to.
fn admits(line: &PipLine, package: &LockedPackage) -> bool {
    let version = Version::from_str(&package.version);
    version.is_ok_and(|version| line.specifier().is_none_or(|of| of.contains(&version)))
}

/// The strategy: every package of the earlier lock stays, if that is possible and if all else in the
/// outcome is a pin of the list. Returns nothing where there is more to decide; the whole list is
/// resolved then.
///
/// # Errors
/// Those of reading wheels in the cache. What uv refuses is reported by the resolution of the whole.
pub(crate) async fn resolve(request: &PipRequest<'_>) -> Result<Option<Resolved>> {
    let Compiler { target, list, .. } = *request.compiler;
    let locked = request.preferences.filter(|locked| locked.target == *target);
    // The cutoff may be earlier than what is locked.
    let Some(locked) = locked.filter(|_| request.compiler.settings.exclude_newer.is_none()) else {
        return Ok(None);
    };
    let parsed = |line: &String| PipLine::parse(line, 0).ok();
    let added: Vec<PipLine> = request.server.added.iter().filter_map(parsed).collect();
    let requirements: Vec<_> = list.lines.iter().chain(&list.constraints).chain(&added).collect();
    let stubs = stubs(request.compiler, locked, &requirements)?;
    if stubs.is_empty() {
        return Ok(None);
    }
    let whole = request.list_with_server()?;
    let fixed = stubs.values().map(|(_, line)| line.clone());
    let constraints = whole.constraints.iter().cloned().chain(fixed).collect();
    let attempt = CompileRequest { constraints, ..whole };
    let found = prefer_wheels::compile(request.compiler, request.client, &attempt).await;
    let Ok(Resolved { mut pylock, notes }) = found else { return Ok(None) };
    if !settle(&mut pylock.packages, locked, &stubs, &exact(list, &requirements), list) {
        return Ok(None);
    }
    let notes = request.server.notes.iter().cloned().chain(notes).collect();
    Ok(Some(Resolved { pylock, notes }))
}

/// The locked packages that stay, by name, each with the line that leaves uv no other choice: a stub
/// wheel with the metadata of the locked one.
fn stubs<'l>(
    compiler: &Compiler<'_>,
    locked: &'l LockedEnvironment,
    requirements: &[&PipLine],
) -> Result<BTreeMap<&'l str, (&'l LockedPackage, String)>> {
    let Compiler { target, list, store, work, installed, .. } = *compiler;
    let conda = installed.map_or(&[][..], |installed| &installed.names);
    let mut stubs = BTreeMap::new();
    for package in &locked.packages {
        let LockedPackage { name, version, .. } = package;
        let stays = preferences::allows(list, package)
            && !list.wants_source(name)
            && !conda.contains(name)
            && requirements.iter().all(|of| of.name() != Some(name) || admits(of, package));
        if stays && let Some(wheel) = stored_wheel(package, target, store) {
            let metadata = WheelFile::open(&wheel)?.metadata()?;
            let path = stub::write(name, version, &metadata, work.path())?;
            let line = format!("{name} @ {}", file_url(&path)?);
            stubs.insert(name.as_str(), (package, line));
        }
    }
    Ok(stubs)
}

/// The names for which the list allows only one file or release.
fn exact<'l>(list: &'l PipList, requirements: &[&'l PipLine]) -> BTreeSet<&'l str> {
    let pinned = requirements.iter().filter(|of| is_pin(of)).filter_map(|of| of.name());
    let direct = list.wanted.iter().filter_map(|wanted| match wanted {
        Wanted::Placed(reference, _) => reference.name.as_deref(),
        Wanted::Named(_) => None,
    });
    pinned.chain(direct).collect()
}

/// Replaces stubs by the packages they represent. Returns false if a package is neither locked nor
/// exact: which release uv took for it would depend on what happens to be locked.
fn settle(
    packages: &mut [LockedPackage],
    locked: &LockedEnvironment,
    stubs: &BTreeMap<&str, (&LockedPackage, String)>,
    exact: &BTreeSet<&str>,
    list: &PipList,
) -> bool {
    packages.iter_mut().all(|package| {
        let name = &*package.name;
        let same = |before: &&LockedPackage| {
            before.version == package.version && preferences::allows(list, before)
        };
        let before = match stubs.get(name) {
            Some((stubbed, _)) => Some(*stubbed),
            None => locked.package(name).filter(same).filter(|_| !exact.contains(name)),
        };
        match before {
            Some(before) => package.clone_from(before),
            None => return exact.contains(name),
        }
        true
    })
}

/// The wheel of a package in the cache: its own, or the one built from its source.
fn stored_wheel(package: &LockedPackage, target: &Target, store: &Store) -> Option<PathBuf> {
    let artifact = &package.artifact;
    match artifact.kind {
        ArtifactKind::Wheel => {
            let path = store.artifact("wheels", &artifact.sha256, &artifact.filename);
            path.is_file().then_some(path)
        }
        ArtifactKind::Sdist | ArtifactKind::Folder => {
            builder::stored(store, target, &artifact.sha256)
        }
    }
}
