//! Requirements by path or address, before they are given to uv: source folders and repositories are built
//! first, so that it sees wheels only and never works in the user's own folders.

use crate::error::PipError;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use mlpack_oci::Progress;
use url::Url;

use crate::pip::pylock::Pylock;
use crate::{Error, Result};
use mlpack_lock::{Artifact, ArtifactOrigin, LockedPackage};
use mlpack_packages::Settings;
use mlpack_packages::cache::store::Store;
use mlpack_packages::conda::archive::StoredConda;
use mlpack_packages::wheel::archive::WheelFile;
use mlpack_requirements::WheelName;
use mlpack_requirements::pip::{Location, Reference};
use mlpack_requirements::pip::{PipList, Wanted};
use mlpack_requirements::{PipLine, Target};
use mlpack_source_build::builder;
use mlpack_source_build::builder::Builder;
use mlpack_source_build::interpreters;
use mlpack_source_build::interpreters::Interpreters;
use mlpack_source_build::sources::{FetchedSource, SourceFetcher};
use mlpack_source_build::uv::Uv;

/// Builds sources that are named by their place.
pub(crate) struct DirectSources<'a> {
    pub(crate) uv: &'a Uv,
    pub(crate) store: &'a Store,
    pub(crate) target: &'a Target,
    settings: &'a Settings,
    pub(crate) list: &'a PipList,
    pub(crate) progress: &'a dyn Progress,
    /// Conda packages of the environment, an interpreter among them.
    archives: &'a [StoredConda],
    /// What builds, looked for when first needed.
    interpreters: Option<Interpreters>,
    /// What the wheels that were built here are really of.
    built: BTreeMap<PathBuf, Artifact>,
}

impl<'a> DirectSources<'a> {
    pub(crate) fn new(
        uv: &'a Uv,
        store: &'a Store,
        target: &'a Target,
        settings: &'a Settings,
        list: &'a PipList,
        archives: &'a [StoredConda],
        progress: &'a dyn Progress,
    ) -> Self {
        let (interpreters, built) = (None, BTreeMap::new());
        Self { uv, store, target, settings, list, progress, archives, interpreters, built }
    }

    /// The list as the resolver is given it, a line each.
    pub(crate) async fn requirements(&mut self) -> Result<Vec<String>> {
        let list = self.list;
        let mut lines = Vec::new();
        for wanted in &list.wanted {
            lines.push(match wanted {
                Wanted::Named(text) => text.clone(),
                Wanted::Placed(reference, line) => self.requirement(reference, line).await?,
            });
        }
        Ok(lines)
    }

    async fn requirement(&mut self, reference: &Reference, line: &PipLine) -> Result<String> {
        let fetcher = self.fetcher();
        let source = match &reference.location {
            Location::Url(url) => return Ok(reference.requirement(url)),
            Location::File(path) => return Ok(reference.requirement(&file_url(path)?)),
            Location::Folder(folder) => fetcher.folder(folder),
            Location::Git { url, revision } => {
                let within = reference.subdirectory.as_deref();
                fetcher.repository(url, revision.as_deref(), within).await
            }
        }
        .map_err(|error| line.error(error.to_string(), error.hint()))?;
        let name = reference.name.clone().unwrap_or_else(|| source.artifact.filename.clone());
        let wheel = self.wheel(&name, &source).await.map_err(|error| match error {
            Error::SourceBuild(mlpack_source_build::Error::Unbuildable {
                reason, python, ..
            }) => PipError::Unbuildable {
                place: line.place(),
                text: line.text.clone(),
                reason,
                python,
            }
            .into(),
            other => other,
        })?;
        if reference.editable {
            check_modules(&wheel, &source.path, line)?;
        }
        let found = WheelName::parse(&mlpack_packages::net::client::file_name(&wheel));
        if let (Some(wanted), Some(found)) = (&reference.name, found)
            && *wanted != found.name
        {
            let reason = format!("it contains {}, not {wanted}", found.name);
            return Err(line.error(reason, None).into());
        }
        let reference = Reference { subdirectory: None, ..reference.clone() };
        Ok(reference.requirement(&file_url(&wheel)?))
    }

    /// Puts sources back in place of their wheels, and builds those that a package itself names by
    /// place.
    pub(crate) async fn settle(&mut self, pylock: Pylock) -> Result<Vec<LockedPackage>> {
        let Pylock { mut packages, sources, .. } = pylock;
        for package in &mut packages {
            if let ArtifactOrigin::Path(wheel) = &package.artifact.origin
                && let Some(artifact) = self.built.get(wheel)
            {
                package.artifact = artifact.clone();
            }
        }
        for (name, origin) in sources {
            let source = self.fetcher().fetch(&origin).await?;
            let wheel = self.wheel(&name, &source).await?;
            let version = WheelName::parse(&mlpack_packages::net::client::file_name(&wheel))
                .map(|wheel| wheel.version)
                .unwrap_or_default();
            packages.push(LockedPackage { name, version, artifact: source.artifact });
        }
        packages.sort_by(|left, right| left.name.cmp(&right.name));
        Ok(packages)
    }

    async fn wheel(&mut self, name: &str, source: &FetchedSource) -> Result<PathBuf> {
        let kept = builder::stored(self.store, self.target, &source.artifact.sha256);
        let wheel = match kept {
            Some(wheel) => wheel,
            None => {
                let interpreters = match self.interpreters.take() {
                    Some(found) => found,
                    None => {
                        let Self { store, target, settings, archives, progress, .. } = *self;
                        interpreters::find(settings, store, target, archives, progress).await?
                    }
                };
                let builder = Builder {
                    uv: self.uv,
                    store: self.store,
                    target: self.target,
                    interpreters: self.interpreters.insert(interpreters),
                    search_path: self.settings.search_path.as_ref(),
                };
                let package = LockedPackage {
                    name: name.to_owned(),
                    version: String::new(),
                    artifact: source.artifact.clone(),
                };
                builder.build(&package, &source.path, self.progress).await?
            }
        };
        self.built.insert(wheel.clone(), source.artifact.clone());
        Ok(wheel)
    }

    fn fetcher(&self) -> SourceFetcher<'a> {
        SourceFetcher { store: self.store, search_path: self.settings.search_path.as_ref() }
    }
}

/// Refuses a project whose package is empty although its folder has modules: an editable install adds the
/// folder itself to the search path, so they were importable without being part of the package.
fn check_modules(wheel: &Path, folder: &Path, line: &PipLine) -> Result<()> {
    let wheel = WheelFile::open(wheel)?;
    let info = wheel.dist_info()?;
    if !wheel.members().keys().all(|path| path.starts_with(&info)) {
        return Ok(());
    }
    let modules = modules_below(folder);
    if modules.is_empty() {
        // It exists for what it requires.
        return Ok(());
    }
    let modules = modules.join("`, `");
    let reason = format!("its package is empty, though the folder has `{modules}`");
    let hint = "name what is to be installed in its setup.py: `packages=find_namespace_packages()` and `py_modules=[...]`".to_owned();
    Err(line.error(reason, Some(hint)).into())
}

/// What an import finds in a folder of sources, by name.
fn modules_below(folder: &Path) -> Vec<String> {
    let is_python = |path: &Path| path.extension().is_some_and(|end| end == "py");
    let below = |folder: &Path| {
        let entries = std::fs::read_dir(folder).into_iter().flatten();
        entries.filter_map(|entry| Some(entry.ok()?.path())).collect::<Vec<_>>()
    };
    let mut names = Vec::new();
    for path in [below(folder), below(&folder.join("src"))].concat() {
        let Some(name) = path.file_stem().and_then(|name| name.to_str()) else { continue };
        let own = ["setup", "conftest", "test", "tests", "docs", "src", "examples"].contains(&name);
        let module = match path.is_dir() {
            true => below(&path).iter().any(|path| is_python(path)),
            false => is_python(&path),
        };
        if module && !own {
            names.push(name.to_owned());
        }
    }
    names.sort();
    names
}

/// The `file://` URL of an absolute path.
pub(crate) fn file_url(path: &Path) -> Result<Url> {
    Url::from_file_path(path).map_err(|()| {
        let reason = "the path is not absolute".to_owned();
        mlpack_source_build::Error::Sources { path: path.to_owned(), reason }.into()
    })
}
