//! Requirements by place on their way to the resolver: source folders and repositories are built
//! first, so that it sees wheels only and never works in the user's own folders.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use mlpack_oci::Progress;
use url::Url;

use crate::lock::environment::{Artifact, ArtifactOrigin, LockedPackage};
use crate::packages::cache::store::Store;
use crate::packages::conda::archive::StoredConda;
use crate::packages::settings::Settings;
use crate::resolve::pip::pylock::Pylock;
use crate::source_build::builder;
use crate::source_build::builder::Builder;
use crate::source_build::interpreters;
use crate::source_build::interpreters::Interpreters;
use crate::source_build::sources::{Stage, Staged};
use crate::source_build::uv::Uv;
use crate::{Error, Result};
use mlpack_requirements::WheelName;
use mlpack_requirements::pip::{Location, Reference};
use mlpack_requirements::pip::{PipList, Wanted};
use mlpack_requirements::{PipLine, Target};

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
        let stage = self.stage();
        let staged = match &reference.location {
            Location::Url(url) => return Ok(reference.requirement(url)),
            Location::File(path) => return Ok(reference.requirement(&file_url(path)?)),
            Location::Folder(folder) => stage.folder(folder)?,
            Location::Git { url, revision } => {
                let within = reference.subdirectory.as_deref();
                stage.repository(url, revision.as_deref(), within).await?
            }
        };
        let name = reference.name.clone().unwrap_or_else(|| staged.artifact.filename.clone());
        let wheel = self.wheel(&name, &staged).await.map_err(|error| match error {
            Error::SourceOnly { reason, python, .. } => {
                Error::PipBuild { place: line.place(), text: line.text.clone(), reason, python }
            }
            other => other,
        })?;
        let found = WheelName::parse(&crate::packages::net::client::file_name(&wheel));
        if let (Some(wanted), Some(found)) = (&reference.name, found)
            && *wanted != found.name
        {
            let reason = format!("it is {}, not {wanted}", found.name);
            return Err(line.error(reason, None).into());
        }
        let reference = Reference { subdirectory: None, ..reference.clone() };
        Ok(reference.requirement(&file_url(&wheel)?))
    }

    /// Puts sources back where their wheels stand, and builds those that a package itself names by
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
            let staged = self.stage().again(&origin).await?;
            let wheel = self.wheel(&name, &staged).await?;
            let version = WheelName::parse(&crate::packages::net::client::file_name(&wheel))
                .map(|wheel| wheel.version)
                .unwrap_or_default();
            packages.push(LockedPackage { name, version, artifact: staged.artifact });
        }
        packages.sort_by(|left, right| left.name.cmp(&right.name));
        Ok(packages)
    }

    async fn wheel(&mut self, name: &str, staged: &Staged) -> Result<PathBuf> {
        let kept = builder::stored(self.store, self.target, &staged.artifact.sha256);
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
                    artifact: staged.artifact.clone(),
                };
                builder.build(&package, &staged.path, self.progress).await?
            }
        };
        self.built.insert(wheel.clone(), staged.artifact.clone());
        Ok(wheel)
    }

    fn stage(&self) -> Stage<'a> {
        Stage { store: self.store, search_path: self.settings.search_path.as_ref() }
    }
}

/// A path as an address.
pub(crate) fn file_url(path: &Path) -> Result<Url> {
    let path = std::path::absolute(path).map_err(Error::io("find", path))?;
    Url::from_file_path(&path)
        .map_err(|()| Error::Sources { path, reason: "it is not an absolute path".to_owned() })
}
