//! From the `pip:` list to a locked environment, by uv, for the target and not for this machine.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use mlpack_oci::Progress;

use crate::compile::{Compiler, Present};
use crate::fetch::Client;
use crate::lock::{ArtifactKind, LockedEnvironment, LockedPackage};
use crate::server::{self, ServerChoice};
use crate::store::Store;
use crate::uv::Uv;
use crate::{Error, Indexes, PipLine, Result, Settings, Target, index};

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
}

/// A locked environment and what was decided on the way.
#[derive(Debug, Clone)]
pub struct Resolution {
    /// Exact packages.
    pub environment: LockedEnvironment,
    /// Decisions and traps, one sentence each.
    pub notes: Vec<String>,
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
    let ResolveRequest { target, pip, .. } = request;
    let choice = if request.add_server {
        server::choose_server(target.python, pip)?
    } else {
        ServerChoice::default()
    };
    let mut notes = choice.notes;
    let mut input = String::new();
    for line in pip.iter().map(|line| &line.text).chain(&choice.added) {
        input.push_str(line);
        input.push('\n');
    }
    let store = Store::new(&settings.cache);
    store.sweep_tools();
    let client = Client::new(&settings.indexes)?;
    let uv = Uv::find(settings, &store, &client, progress).await?;
    let mut compiler =
        Compiler { uv: &uv, store: &store, settings, request, present, input, stand_in: false };
    let meter = progress.begin(&format!("resolving for {}", target.describe()), None);
    let resolved = prefer_wheels(&mut compiler, &client, &mut notes).await;
    meter.finish(if resolved.is_ok() { "resolved" } else { "failed" });
    let environment = resolved?;
    notes.extend(server::flask_trap(&environment));
    Ok(Resolution { environment, notes })
}

/// Resolves, and again while a package is locked to its source although its publisher makes wheels
/// of that release: those are for newer C libraries or other Pythons, and an older release whose
/// wheels load on the target is what is wanted. Packages that never had wheels stay sources.
async fn prefer_wheels(
    compiler: &mut Compiler<'_>,
    client: &Client,
    notes: &mut Vec<String>,
) -> Result<LockedEnvironment> {
    let ResolveRequest { target, directory, .. } = compiler.request;
    let indexes = &compiler.settings.indexes;
    let mut wheels_only = BTreeSet::new();
    let mut newest: BTreeMap<String, String> = BTreeMap::new();
    let text = compiler.compile(&wheels_only).await?;
    let mut environment = LockedEnvironment::from_pylock(&text, target, directory)?;
    loop {
        let found = with_wheels_elsewhere(&environment, client, indexes).await;
        let before = wheels_only.len();
        wheels_only.extend(found.iter().map(|(name, _)| name.clone()));
        if wheels_only.len() == before {
            break;
        }
        match compiler.compile(&wheels_only).await {
            Ok(text) => {
                environment = LockedEnvironment::from_pylock(&text, target, directory)?;
                newest.extend(found);
            }
            // The list asks for exactly this release; a build may still make it.
            Err(Error::Unresolvable { .. }) => break,
            Err(error) => return Err(error),
        }
    }
    for (name, version) in newest {
        if let Some(package) = environment.package(&name) {
            notes.push(format!(
                "{name} is {} because {version} has no wheel for {}",
                package.version,
                target.describe()
            ));
        }
    }
    for package in sources(&environment) {
        notes.push(format!(
            "{} {} has no wheel for {} and is built from source",
            package.name,
            package.version,
            target.describe()
        ));
    }
    Ok(environment)
}

/// Packages locked to their source although that very release has wheels, with the release.
async fn with_wheels_elsewhere(
    environment: &LockedEnvironment,
    client: &Client,
    indexes: &Indexes,
) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for package in sources(environment).filter(|_| !indexes.no_index) {
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
