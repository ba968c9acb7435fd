//! Resolves a `pip:` list with uv, for the target and not for this machine.
//!
//! Each strategy is a function of an immutable [`PipRequest`] to an outcome. They are tried in order:
//! keep everything that was locked ([`relock`]), resolve the whole list with the server that is added
//! to it ([`prefer_wheels`]), and where these two conflict resolve the list first and add the server
//! to the outcome ([`server_fallback`]).

mod compile;
mod conflict;
mod described_interpreter;
mod direct_sources;
mod hashes;
mod legacy_metadata;
mod notes;
mod other_pythons;
mod pip_request;
mod prefer_wheels;
mod preferences;
mod pylock;
mod relock;
mod server;
mod server_fallback;
mod uv_failure;

use std::path::Path;

use mlpack_oci::Progress;

use crate::conda::installed::InstalledByConda;
use crate::error::PipError;
use crate::pip::compile::Compiler;
use crate::pip::direct_sources::DirectSources;
use crate::pip::pip_request::{PipRequest, Resolved};
use crate::pip::server::ServerChoice;
use crate::request::ResolveRequest;
use crate::{Error, Result};
use mlpack_lock::LockedPackage;
use mlpack_packages::Settings;
use mlpack_packages::cache::store::Store;
use mlpack_packages::net::client::Client;
use mlpack_requirements::Indexes;
use mlpack_requirements::pip::{PipList, Reading, RemoteLists};
use mlpack_requirements::{CondaFile, PipLine, PipLineKind, Target};
use mlpack_source_build::uv::Uv;

/// Ends the run at an index that refuses the login.
async fn refuse_closed(client: &Client, indexes: &Indexes) -> Result<()> {
    for index in indexes.index.iter().chain(&indexes.extra) {
        if let Some(status) = client.refusal(index).await {
            return Err(PipError::IndexRefused { index: index.to_string(), status }.into());
        }
    }
    Ok(())
}

/// The packages of a `pip:` list.
pub(crate) struct Resolution {
    /// Exact packages, sorted by name.
    pub(crate) packages: Vec<LockedPackage>,
    /// Decisions and warnings, one sentence each.
    pub(crate) notes: Vec<String>,
    /// The settings with the indexes and logins that the list names.
    pub(crate) settings: Settings,
}

/// Resolves the list of a request for `target`, beside the packages that conda installs.
///
/// The target's own interpreter is only described to uv, so that the result is the same on every
/// machine. Where uv has to build a source distribution to learn its dependencies, an interpreter of
/// this machine or of the conda environment does that.
///
/// # Errors
/// Those of the list, the index, uv, and the builds.
pub(crate) async fn resolve(
    request: ResolveRequest<'_>,
    target: &Target,
    installed: Option<&InstalledByConda>,
    settings: &Settings,
    progress: &dyn Progress,
) -> Result<Resolution> {
    let ResolveRequest { file, directory, add_server, preferences, .. } = request;
    let store = Store::new(&settings.cache);
    let client = Client::new(&settings.indexes)?;
    let lines = file.map_or(&[][..], CondaFile::pip_requirements);
    let list = read_list(lines, directory, target, settings, &client).await?;
    let server = match add_server {
        true => server::choose_server(target.python, &list.lines)?,
        false => ServerChoice::default(),
    };
    // The list's own indexes may not have uv.
    let uv = Uv::find(settings, &store, &client, progress).await?;
    let mut settings = settings.with_list(&list);
    let ignored = notes::ignore_missing_folders(&mut settings, directory);
    let uv = uv.with_indexes(&settings.indexes);
    let client = Client::new(&settings.indexes)?.with_logins(&settings.logins);
    if list.all_indexes() && !settings.indexes.no_index {
        // Of several indexes uv ignores those that refuse it, and a package of the same name could come from another one.
        refuse_closed(&client, &settings.indexes).await?;
    }
    let archives = installed.map_or(&[][..], |installed| &installed.archives);
    let mut sources = DirectSources::new(&uv, &store, target, &settings, &list, archives, progress);
    let requirements = sources.requirements().await?;
    let work = store.work_folder()?;
    let compiler = Compiler {
        uv: &uv,
        store: &store,
        settings: &settings,
        list: &list,
        target,
        directory,
        installed,
        work: &work,
        progress,
        client: &client,
        repairs: Default::default(),
        pythons: Default::default(),
    };
    let pip = PipRequest {
        compiler: &compiler,
        client: &client,
        requirements: &requirements,
        server: &server,
        preferences,
    };
    let meter = progress.begin(&format!("Resolving for {}", target.describe()), None);
    let resolved = match try_strategies(&pip).await {
        Ok(resolved) => Ok(resolved),
        Err(error) => Err(conflict::shorten(&pip, error).await),
    };
    meter.finish(if resolved.is_ok() { "resolved" } else { "failed" });
    let Resolved { pylock, notes } = resolved.map_err(|error| located(error, &list, lines))?;
    let mut packages = sources.settle(pylock).await?;
    if let Some(locked) = preferences.filter(|locked| locked.target == *target) {
        preferences::keep_files(&mut packages, locked, &list);
    }
    let listed = list.notes.iter().cloned();
    let mut notes: Vec<String> = listed.chain(ignored).chain(notes).collect();
    notes.extend(hashes::check(&packages, &list, &server)?);
    let repairs = compiler.repairs.lock().await;
    notes.extend(packages.iter().filter_map(|of| repairs.note(&of.name, &of.version)));
    notes.extend(notes::undated_files(&packages, &settings, directory));
    Ok(Resolution { packages, notes, settings })
}

async fn try_strategies(request: &PipRequest<'_>) -> Result<Resolved> {
    if let Some(resolved) = relock::resolve(request).await? {
        return Ok(resolved);
    }
    match prefer_wheels::resolve(request).await {
        Err(conflict) if server_fallback::applies(request, &conflict) => {
            server_fallback::resolve(request, conflict).await
        }
        outcome => outcome,
    }
}

/// Adds the line that asks for a package or a file which is not there, or that names an index which cannot be reached.
fn located(error: Error, list: &PipList, pip: &[PipLine]) -> Error {
    match error {
        Error::Pip(PipError::Uv { headline, causes, offline: true, .. }) => {
            let address = causes
                .iter()
                .find_map(|cause| cause.strip_prefix("Failed to fetch: "))
                .unwrap_or_default();
            let is_of = |line: &&PipLine| {
                let index = line.text.split(['=', ' ']).next_back().unwrap_or_default();
                let options = line.kind == PipLineKind::Option && index.contains("://");
                options && address.trim_matches('`').starts_with(index.trim_end_matches('/'))
            };
            let named = pip.iter().find(is_of).map(PipLine::place);
            PipError::Uv { headline, causes, offline: true, named }.into()
        }
        Error::Pip(PipError::NoSuchPackage { name, .. }) => {
            let line = list.lines.iter().find(|line| line.name() == Some(&name));
            PipError::NoSuchPackage { place: line.map(PipLine::place), name }.into()
        }
        Error::Pip(PipError::Unfetched { address, reason, .. }) => {
            let line = list.lines.iter().find(|line| line.secret().contains(&address));
            PipError::Unfetched { place: line.map(PipLine::place), address, reason }.into()
        }
        error => error,
    }
}

/// Reads a list, and fetches the lists behind addresses until none is missing.
async fn read_list(
    pip: &[PipLine],
    directory: &Path,
    target: &Target,
    settings: &Settings,
    client: &Client,
) -> Result<PipList> {
    let variables = &settings.variables;
    let mut remote = RemoteLists::new();
    loop {
        let reading = Reading { pip, directory, variables, target: Some(target), remote: &remote };
        let list = PipList::read(reading)?;
        if list.missing.is_empty() {
            return Ok(list);
        }
        for address in list.missing {
            let (bytes, _) = client.page(&address, "text/plain, */*").await?;
            remote.insert(address, String::from_utf8_lossy(&bytes).into_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_line_of_an_index_that_cannot_be_reached_is_named() {
        let hint = |option: &str| {
            let text = format!("dependencies:\n- pip:\n  - six\n  - {option}\n");
            let file = CondaFile::parse(&text, Path::new("env.yml")).unwrap();
            let causes = ["Failed to fetch: `https://i.example/simple/six/`", "dns error"];
            let error = PipError::Uv {
                headline: "Request failed".to_owned(),
                causes: causes.map(str::to_owned).into(),
                offline: true,
                named: None,
            };
            located(error.into(), &PipList::default(), &file.pip).hint().unwrap()
        };
        let expected =
            "env.yml:4 names this index: check its address, and whether this machine reaches it";
        for option in
            ["--index-url https://i.example/simple", "--extra-index-url=https://i.example/simple/"]
        {
            assert_eq!(hint(option), expected, "{option}");
        }
        let expected = "is the package index reachable? set PIP_INDEX_URL for a mirror";
        assert_eq!(hint("--index-url https://other.example/simple"), expected);
        assert_eq!(hint("--pre"), expected);
    }
}
