//! The packages of a lock file or an image in one form, and the changes between two.

use std::collections::{BTreeMap, BTreeSet};

use mlpack_lock::{ArtifactOrigin, LockFile, SERVER, Server};
use mlpack_oci::rootfs::RootFs;
use mlpack_oci::{Digest, Image};
use serde::Serialize;

use super::inspect::packages;
use super::record::{PackageRecord, Record};
use crate::base::BaseFacts;

/// The contents of an environment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Contents {
    /// Reference of the base image, where it is known.
    pub base: Option<String>,
    /// Digest of the base image's manifest.
    pub base_digest: Option<Digest>,
    /// The interpreter's release.
    pub python: Option<String>,
    /// `builtin`, or `azureml-inference-server-http 1.4.0`.
    pub server: Option<String>,
    /// By name, conda before pip.
    pub packages: Vec<PackageEntry>,
}

/// A package.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct PackageEntry {
    /// Name, normalised for pip.
    pub name: String,
    /// `conda` or `pip`.
    pub kind: &'static str,
    /// Version.
    pub version: String,
    /// Conda's build string.
    pub build: Option<String>,
    /// The channel, the server, `find-links` or `file`; not known of an image.
    pub from: Option<String>,
    /// Of the archive or wheel, in bytes, where it is known.
    pub size: Option<u64>,
}

impl PackageEntry {
    /// Returns the version, followed by conda's build.
    fn full_version(&self) -> String {
        match &self.build {
            Some(build) => format!("{} {build}", self.version),
            None => self.version.clone(),
        }
    }
}

/// A difference between two environments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// `added`, `removed` or `changed`.
    pub change: &'static str,
    /// `base`, `python`, `server`, or the package.
    pub name: String,
    /// `conda` or `pip` for a package.
    pub kind: Option<&'static str>,
    /// In the first.
    pub before: Option<String>,
    /// In the second.
    pub after: Option<String>,
}

impl Contents {
    /// Returns the contents of a lock file.
    pub fn of_lock(lock: &LockFile) -> Self {
        let environment = &lock.environment;
        let conda = environment.conda.iter().map(|package| PackageEntry {
            name: package.name.clone(),
            kind: "conda",
            version: package.version.clone(),
            build: Some(package.build.clone()),
            from: Some(from_channel(&package.channel)),
            size: package.size,
        });
        let pip = environment.packages.iter().map(|package| PackageEntry {
            name: package.name.clone(),
            kind: "pip",
            version: package.version.clone(),
            build: None,
            from: Some(match &package.artifact.origin {
                ArtifactOrigin::Url(url) => host(url),
                ArtifactOrigin::Git { url, .. } => host(url),
                ArtifactOrigin::Path(_) => "file".to_owned(),
            }),
            size: package.artifact.size,
        });
        Self {
            base: lock.base.reference.clone(),
            base_digest: Some(lock.base.digest),
            python: Some(environment.target.python.to_string()),
            ..Self::made_of(conda.chain(pip).collect(), lock.inputs.server)
        }
    }

    /// Returns the contents of an image that mlpack made, by its label; nothing for another.
    pub fn of_record(image: &Image) -> Option<Self> {
        let record = Record::of(image)?;
        Some(Self {
            base_digest: Some(record.base.digest),
            python: Some(record.python.version.clone()),
            base: record.base.name.clone(),
            ..Self::made_of(record.entries(), record.server)
        })
    }

    /// Returns the contents of any image, by its layers.
    pub fn of_layers(image: &Image, root: &RootFs) -> Self {
        let facts = BaseFacts::read(image, root);
        let found = packages(root).into_iter().map(|package| PackageEntry {
            name: package.name,
            kind: package.kind,
            version: package.version,
            build: None,
            from: Some(package.place),
            size: None,
        });
        let recorded = Self::of_record(image).unwrap_or_default();
        let recorded_server = Record::of(image).map_or(Server::Azmlinfsrv, |record| record.server);
        Self {
            base: recorded.base,
            base_digest: recorded.base_digest,
            python: recorded
                .python
                .or_else(|| facts.python().map(|python| python.value.version.to_string())),
            ..Self::made_of(found.collect(), recorded_server)
        }
    }

    fn made_of(mut packages: Vec<PackageEntry>, server: Server) -> Self {
        packages.sort();
        let server = match server {
            Server::Builtin => Some(server.name().to_owned()),
            Server::Azmlinfsrv => packages
                .iter()
                .find(|package| package.name == SERVER)
                .map(|server| format!("{} {}", server.name, server.version)),
        };
        Self { server, packages, ..Self::default() }
    }

    /// Returns the changes from this to another: base, interpreter and server first, then packages
    /// by name.
    pub fn changes(&self, other: &Self) -> Vec<Change> {
        let mut changes = Vec::new();
        let base = |of: &Self| match (&of.base, of.base_digest) {
            (Some(name), Some(digest)) => Some(format!("{name} {}", digest.short())),
            (_, digest) => digest.map(|digest| digest.short().to_string()),
        };
        let facts = [
            // The same base may have another name.
            ("base", base(self), base(other), self.base_digest == other.base_digest),
            ("python", self.python.clone(), other.python.clone(), self.python == other.python),
            ("server", self.server.clone(), other.server.clone(), self.server == other.server),
        ];
        for (name, before, after, same) in facts {
            // What is not known of one of them is not a change.
            if !same && before.is_some() && after.is_some() {
                changes.extend(Change::of(name, None, before, after));
            }
        }
        let (before, after) = (self.by_name(), other.by_name());
        let names: BTreeSet<_> = before.keys().chain(after.keys()).copied().collect();
        for (name, kind) in names {
            let version = |of: &BTreeMap<_, String>| of.get(&(name, kind)).cloned();
            changes.extend(Change::of(name, Some(kind), version(&before), version(&after)));
        }
        changes
    }

    /// Returns the versions of each package; one that is in several places may have several.
    fn by_name(&self) -> BTreeMap<(&str, &'static str), String> {
        let mut versions: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
        for package in &self.packages {
            let key = (package.name.as_str(), package.kind);
            versions.entry(key).or_default().insert(package.full_version());
        }
        let joined =
            |versions: BTreeSet<String>| versions.into_iter().collect::<Vec<_>>().join(", ");
        versions.into_iter().map(|(key, versions)| (key, joined(versions))).collect()
    }
}

impl Change {
    fn of(
        name: &str,
        kind: Option<&'static str>,
        before: Option<String>,
        after: Option<String>,
    ) -> Option<Self> {
        let change = match (&before, &after) {
            (None, Some(_)) => "added",
            (Some(_), None) => "removed",
            (Some(before), Some(after)) if before != after => "changed",
            _ => return None,
        };
        Some(Self { change, name: name.to_owned(), kind, before, after })
    }
}

impl Record {
    /// Returns the packages of the environment.
    pub fn entries(&self) -> Vec<PackageEntry> {
        let entry = |kind| {
            move |package: &PackageRecord| PackageEntry {
                name: package.name.clone(),
                kind,
                version: package.version.clone(),
                build: package.build.clone(),
                from: None,
                size: None,
            }
        };
        let conda = self.conda_packages.iter().map(entry("conda"));
        conda.chain(self.packages.iter().map(entry("pip"))).collect()
    }
}

/// `conda.anaconda.org/conda-forge`; a folder by its name alone.
fn from_channel(address: &str) -> String {
    let bare = address.split_once("://").map_or(address, |(_, bare)| bare);
    match address.starts_with("file:") {
        true => bare.rsplit('/').next().unwrap_or(bare).to_owned(),
        false => bare.to_owned(),
    }
}

fn host(url: &str) -> String {
    let bare = url.split_once("://").map_or(url, |(_, bare)| bare);
    bare.split('/').next().unwrap_or(bare).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, kind: &'static str, version: &str, build: Option<&str>) -> PackageEntry {
        let build = build.map(str::to_owned);
        PackageEntry {
            name: name.to_owned(),
            kind,
            version: version.to_owned(),
            build,
            from: None,
            size: None,
        }
    }

    #[test]
    fn each_change_is_reported_once() {
        let mut before = Contents::made_of(
            vec![
                entry("numpy", "conda", "1.0", Some("py_0")),
                entry("gone", "pip", "1", None),
                entry("same", "pip", "1", None),
                entry(SERVER, "pip", "1.4.0", None),
            ],
            Server::Azmlinfsrv,
        );
        before.python = Some("3.11.7".to_owned());
        let mut after = Contents::made_of(
            vec![
                entry("numpy", "conda", "1.0", Some("py_1")),
                entry("same", "pip", "1", None),
                entry("new", "pip", "2", None),
                entry(SERVER, "pip", "1.5.0", None),
            ],
            Server::Azmlinfsrv,
        );
        after.base_digest = Some(Digest::of(b"base"));
        let change = |change, name: &str, kind, before: Option<&str>, after: Option<&str>| Change {
            change,
            name: name.to_owned(),
            kind,
            before: before.map(str::to_owned),
            after: after.map(str::to_owned),
        };
        let pip = Some("pip");
        assert_eq!(
            before.changes(&after),
            [
                change(
                    "changed",
                    "server",
                    None,
                    Some("azureml-inference-server-http 1.4.0"),
                    Some("azureml-inference-server-http 1.5.0")
                ),
                change("changed", SERVER, pip, Some("1.4.0"), Some("1.5.0")),
                change("removed", "gone", pip, Some("1"), None),
                change("added", "new", pip, None, Some("2")),
                change("changed", "numpy", Some("conda"), Some("1.0 py_0"), Some("1.0 py_1")),
            ]
        );
        assert_eq!(before.changes(&before), []);
    }
}
