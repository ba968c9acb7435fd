//! Resolving again when little changed: all that was locked stays, and the resolver sees what the
//! list pins anew. Then it asks the index for these alone, and builds nothing to learn what a
//! package depends on.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::str::FromStr as _;

use pep440_rs::{Operator, Version, VersionSpecifiers};

use crate::lock::environment::{ArtifactKind, LockedPackage};
use crate::packages::cache::store::Store;
use crate::packages::net::client::Client;
use crate::packages::wheel::archive::WheelFile;
use crate::packages::wheel::stub;
use crate::pip_list::Wanted;
use crate::resolve::pip::compile::Compiler;
use crate::resolve::pip::direct_sources::file_url;
use crate::resolve::pip::preferences::may_stay;
use crate::resolve::pip::pylock::PylockRead;
use crate::resolve::pip::resolve::{prefer_wheels, write_lines};
use crate::resolve::pip::server::ServerChoice;
use crate::source_build::builder;
use crate::{PipLine, PipLineKind, Result, Target};
use mlpack_oci::pending::PendingFolder;

/// What a list asks of packages by name.
struct Asked {
    name: String,
    specifiers: VersionSpecifiers,
}

impl Asked {
    fn read(line: &PipLine) -> Option<Self> {
        match &line.kind {
            PipLineKind::Requirement { name, specifier, .. } => Some(Self {
                name: name.clone(),
                specifiers: VersionSpecifiers::from_str(specifier).ok()?,
            }),
            _ => None,
        }
    }

    /// Whether exactly one release is asked for.
    fn is_pin(&self) -> bool {
        let exact = [Operator::Equal, Operator::ExactEqual];
        self.specifiers.iter().any(|specifier| exact.contains(specifier.operator()))
    }
}

/// Resolves with every package of `held` where it was, if that is possible and if all else in the
/// outcome is a pin of the list. Whoever has more to decide resolves as a whole.
pub(crate) async fn resolve(
    compiler: &mut Compiler<'_>,
    client: &Client,
    wanted: &[String],
    choice: &ServerChoice,
    work: &PendingFolder,
    notes: &mut Vec<String>,
) -> Result<Option<PylockRead>> {
    let list = compiler.list;
    let target = compiler.request.target;
    // A day may be too early for what is held.
    let held = compiler.request.held.filter(|held| held.target == *target);
    let Some(held) = held.filter(|_| list.settings.exclude_newer.is_none()) else {
        return Ok(None);
    };
    let parsed = |line: &String| PipLine::parse(line, 0).ok();
    let others: Vec<PipLine> =
        list.constraints.iter().chain(&choice.added).filter_map(parsed).collect();
    let asked: Vec<Asked> = list.lines.iter().chain(&others).filter_map(Asked::read).collect();
    let conda = compiler.present.map_or(&[][..], |present| &present.packages);
    let mut lines = list.constraints.clone();
    let mut staying: BTreeMap<&str, &LockedPackage> = BTreeMap::new();
    for package in &held.packages {
        let stays = may_stay(package, list)
            && !list.wants_source(&package.name)
            && conda.iter().all(|(name, _)| *name != package.name)
            && asked.iter().all(|asked| asked.name != package.name || admits(asked, package));
        if stays && let Some(wheel) = wheel(package, target, compiler.store) {
            let metadata = WheelFile::open(&wheel)?.metadata()?;
            let path = stub::write(&package.name, &package.version, &metadata, work.path())?;
            lines.push(format!("{} @ {}", package.name, file_url(&path)?));
            staying.insert(&package.name, package);
        }
    }
    if staying.is_empty() {
        return Ok(None);
    }
    // Whether it comes to a resolution of the whole or not must not show in that.
    let before = (compiler.constraints.clone(), compiler.stand_in);
    compiler.constraints = write_lines(work, "staying.txt", &lines)?;
    compiler.input =
        wanted.iter().chain(&choice.added).flat_map(|line| [line.as_str(), "\n"]).collect();
    // What fails is told by the resolution of the whole.
    let mut told = choice.notes.clone();
    let outcome = prefer_wheels(compiler, client, &mut told).await;
    (compiler.constraints, compiler.stand_in) = before;
    let Ok(mut read) = outcome else { return Ok(None) };
    let pinned = asked.iter().filter(|asked| asked.is_pin()).map(|asked| asked.name.as_str());
    let placed = list.wanted.iter().filter_map(|wanted| match wanted {
        Wanted::Placed(reference, _) => reference.name.as_deref(),
        Wanted::Named(_) => None,
    });
    let exact: BTreeSet<&str> = pinned.chain(placed).collect();
    // What is neither held nor without a choice would depend on what happens to stay.
    let settled = read.environment.packages.iter_mut().all(|package| {
        let name = &*package.name;
        // Its address leaves the resolver no other.
        let stood_for = staying.get(name).copied();
        let same =
            |before: &&LockedPackage| before.version == package.version && may_stay(before, list);
        let before =
            stood_for.or_else(|| held.package(name).filter(same).filter(|_| !exact.contains(name)));
        match before {
            Some(before) => package.clone_from(before),
            None => return exact.contains(name),
        }
        true
    });
    if !settled {
        return Ok(None);
    }
    notes.extend(told);
    Ok(Some(read))
}

fn admits(asked: &Asked, package: &LockedPackage) -> bool {
    let version = Version::from_str(&package.version);
    version.is_ok_and(|version| asked.specifiers.contains(&version))
}

/// The wheel of a package in the cache: its own, or the one built from its source.
fn wheel(package: &LockedPackage, target: &Target, store: &Store) -> Option<PathBuf> {
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
