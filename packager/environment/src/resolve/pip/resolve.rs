//! From the `pip:` list to a locked environment, by uv, for the target and not for this machine.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use mlpack_oci::Progress;

use crate::lock::environment::{ArtifactKind, ArtifactOrigin, LockedEnvironment, LockedPackage};
use crate::packages::cache::store::Store;
use crate::packages::net::client::Client;
use crate::packages::net::index;
use crate::packages::settings::Settings;
use crate::pip_list::{PipList, Reading};
use crate::resolve::pip::compile::{Compiler, Present};
use crate::resolve::pip::direct_sources::Placer;
use crate::resolve::pip::pylock::PylockRead;
use crate::resolve::pip::server;
use crate::resolve::pip::server::ServerChoice;
use crate::resolve::pip::server_fallback::Worlds;
use crate::resolve::pip::{hashes, preferences, relock};
use crate::source_build::uv::Uv;
use crate::{Error, PipLine, Result, Target};
use mlpack_oci::pending::PendingFolder;

/// What to resolve.
#[derive(Debug, Clone, Copy)]
pub struct ResolveRequest<'a> {
    /// For which interpreter.
    pub target: &'a Target,
    /// The `pip:` list.
    pub pip: &'a [PipLine],
    /// Where relative lines of the list start; an existing folder.
    pub directory: &'a Path,
    /// Whether an inference server is added where the list brings none.
    pub add_server: bool,
    /// Packages that stay as they are wherever they can.
    pub held: Option<&'a LockedEnvironment>,
}

/// A locked environment and what was decided on the way.
#[derive(Debug, Clone)]
pub struct Resolution {
    /// Exact packages.
    pub environment: LockedEnvironment,
    /// Decisions and traps, one sentence each.
    pub notes: Vec<String>,
    /// The settings with the indexes and logins that the list names: fetch with these.
    pub settings: Settings,
}

/// The settings with the indexes and logins that a list names, to fetch with what was locked
/// earlier. Lists that are addresses are not asked: what they said is in the lock.
///
/// # Errors
/// [`Error::PipLine`] or [`Error::PipRequirement`] for a line that cannot be followed.
pub async fn settings_of(request: ResolveRequest<'_>, settings: &Settings) -> Result<Settings> {
    Ok(PipList::read(reading(&request, settings, None)).await?.settings)
}

fn reading<'a>(
    request: &ResolveRequest<'a>,
    settings: &'a Settings,
    client: Option<&'a Client>,
) -> Reading<'a> {
    let ResolveRequest { target, pip, directory, .. } = *request;
    Reading { pip, directory, settings, target: Some(target), client }
}

/// Resolves a list for a target.
///
/// The target's own interpreter is only described to uv, so that the same packages come out on
/// every machine. Where uv must build a source distribution to learn what it depends on, an
/// interpreter of this machine does that, told to stand for the target.
///
/// # Errors
/// [`Error::NoServer`], [`Error::Unresolvable`] with the resolver's reason, [`Error::NoSuchPackage`],
/// [`Error::SourceOnly`], or what uv, the index or the lock is at fault with.
pub async fn resolve(
    request: ResolveRequest<'_>,
    settings: &Settings,
    progress: &dyn Progress,
) -> Result<Resolution> {
    resolve_beside(request, None, settings, progress).await
}

/// The same beside packages that are there already and stay as they are.
pub(crate) async fn resolve_beside(
    request: ResolveRequest<'_>,
    present: Option<&Present>,
    settings: &Settings,
    progress: &dyn Progress,
) -> Result<Resolution> {
    let directory =
        std::path::absolute(request.directory).map_err(Error::io("find", request.directory))?;
    let request = ResolveRequest { directory: &directory, ..request };
    let target = request.target;
    let store = Store::new(&settings.cache);
    store.sweep_tools();
    let client = Client::new(&settings.indexes)?;
    let list = PipList::read(reading(&request, settings, Some(&client))).await?;
    let choice = if request.add_server {
        server::choose_server(target.python, &list.lines)?
    } else {
        ServerChoice::default()
    };
    let mut notes = list.notes.clone();
    // The list's own indexes may not have a uv.
    let uv = Uv::find(settings, &store, &client, progress).await?;
    let uv = uv.with_indexes(&list.settings.indexes);
    let client = Client::new(&list.settings.indexes)?.with_logins(&list.settings.logins);
    let archives = present.map_or(&[][..], |present| &present.archives);
    let mut placer = Placer::new(&uv, &store, target, &list, archives, progress);
    let wanted = placer.requirements().await?;
    let work = store.work_folder()?;
    let mut compiler = Compiler {
        uv: &uv,
        store: &store,
        settings: &list.settings,
        request,
        present,
        list: &list,
        input: String::new(),
        constraints: write_lines(&work, "constraints.txt", &list.constraints)?,
        dated: true,
        preferred: request.held.map(|held| preferences::preferred(held, &work)).transpose()?,
        overrides: None,
        stand_in: false,
        progress,
    };
    let meter = progress.begin(&format!("resolving for {}", target.describe()), None);
    let staying = relock::resolve(&mut compiler, &client, &wanted, &choice, &work, &mut notes);
    let resolved = match staying.await {
        Ok(None) => {
            let mut worlds = Worlds { compiler, client: &client, work: &work };
            worlds.resolve(&wanted, &choice, &mut notes).await
        }
        Ok(Some(read)) => Ok(read),
        Err(error) => Err(error),
    };
    meter.finish(if resolved.is_ok() { "resolved" } else { "failed" });
    let mut environment = placer.settle(resolved?).await?;
    if let Some(held) = request.held {
        preferences::keep_files(&mut environment, held, &list);
    }
    notes.extend(hashes::check(&environment, &list, &choice)?);
    notes.extend(server::flask_trap(&environment));
    notes.extend(untimed(&environment, &list.settings, &directory));
    Ok(Resolution { environment, notes, settings: list.settings })
}

/// What `--exclude-newer` cannot see: files behind `--find-links` have no time of upload. They count
/// whatever their age, as local files do with pip's `--uploaded-prior-to` (pip documentation,
/// "Filtering by Upload Time").
fn untimed(
    environment: &LockedEnvironment,
    settings: &Settings,
    directory: &Path,
) -> Option<String> {
    settings.exclude_newer.as_ref()?;
    let folders = settings.indexes.folders(directory);
    let pages: Vec<&String> =
        settings.indexes.find_links.iter().filter(|place| place.starts_with("http")).collect();
    let names: Vec<String> = environment
        .packages
        .iter()
        .filter(|package| match &package.artifact.origin {
            ArtifactOrigin::Path(path) => folders.iter().any(|folder| path.starts_with(folder)),
            ArtifactOrigin::Url(url) => pages.iter().any(|page| url.starts_with(&***page)),
            ArtifactOrigin::Git { .. } => false,
        })
        .map(|package| format!("{} {}", package.name, package.version))
        .collect();
    (!names.is_empty()).then(|| {
        format!(
            "--exclude-newer does not count for {}: files behind --find-links have no time of upload",
            names.join(", ")
        )
    })
}

/// A file of lines in a folder; none for no lines.
pub(crate) fn write_lines(
    work: &PendingFolder,
    name: &str,
    lines: &[String],
) -> Result<Option<PathBuf>> {
    if lines.is_empty() {
        return Ok(None);
    }
    let path = work.path().join(name);
    std::fs::write(&path, lines.join("\n") + "\n").map_err(Error::io("write", &path))?;
    Ok(Some(path))
}

/// Resolves, and again while a package is locked to its source although its publisher makes wheels
/// of that release: those are for newer C libraries or other Pythons, and an older release whose
/// wheels load on the target is what is wanted. Packages that never had wheels stay sources.
pub(crate) async fn prefer_wheels(
    compiler: &mut Compiler<'_>,
    client: &Client,
    notes: &mut Vec<String>,
) -> Result<PylockRead> {
    let ResolveRequest { target, directory, .. } = compiler.request;
    let list = compiler.list;
    let read = |text: &str| PylockRead::new(text, target, directory, &list.hashes);
    let mut wheels_only = BTreeSet::new();
    let mut newest: BTreeMap<String, String> = BTreeMap::new();
    let mut lock = read(&compiler.compile(&wheels_only).await?)?;
    loop {
        let found = with_wheels_elsewhere(&lock.environment, client, list).await;
        let before = wheels_only.len();
        wheels_only.extend(found.iter().map(|(name, _)| name.clone()));
        if wheels_only.len() == before {
            break;
        }
        match compiler.compile(&wheels_only).await {
            Ok(text) => {
                lock = read(&text)?;
                newest.extend(found);
            }
            // The list asks for exactly this release; a build may still make it.
            Err(Error::Unresolvable { .. }) => break,
            Err(error) => return Err(error),
        }
    }
    let environment = &lock.environment;
    for (name, version) in newest {
        if let Some(package) = environment.package(&name) {
            notes.push(format!(
                "{name} is {} because {version} has no wheel for {}",
                package.version,
                target.describe()
            ));
        }
    }
    for package in sources(environment).filter(|package| !list.wants_source(&package.name)) {
        notes.push(format!(
            "{} {} has no wheel for {} and is built from source",
            package.name,
            package.version,
            target.describe()
        ));
    }
    Ok(lock)
}

/// Packages locked to their source although that very release has wheels, with the release.
async fn with_wheels_elsewhere(
    environment: &LockedEnvironment,
    client: &Client,
    list: &PipList,
) -> Vec<(String, String)> {
    let indexes = &list.settings.indexes;
    let mut found = Vec::new();
    let open = sources(environment)
        .filter(|package| !indexes.no_index && !list.wants_source(&package.name));
    for package in open {
        // An index without a page for it (an extra one has it) leaves the source as it is.
        let files = index::files(client, indexes, &package.name).await.unwrap_or_default();
        if index::has_wheels(&files, &package.version) {
            found.push((package.name.clone(), package.version.clone()));
        }
    }
    found
}

fn sources(environment: &LockedEnvironment) -> impl Iterator<Item = &LockedPackage> {
    environment.packages.iter().filter(|package| package.artifact.kind == ArtifactKind::Sdist)
}
