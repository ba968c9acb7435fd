//! Packages as blocks of a lock file: the one place that knows how each kind of origin is written.
//!
//! A conda package has `url`, or `path` for a channel that is a folder. A pip package has `url`, or
//! `path` for a file of the project, or `directory` for sources, or `git` with `commit`, or nothing for
//! a file in a folder of `find-links`, where it is found by its name. The
//! hash of sources is that of their files.

use std::path::Path;

use mlpack_oci::Digest;
use serde::{Deserialize, Deserializer};
use url::Url;

use super::{Places, relative};
use crate::conda_package::CondaPackage;
use crate::environment::{Artifact, ArtifactKind, ArtifactOrigin, LockedPackage};
use mlpack_requirements::normalize_name;

/// A digest without the name of its algorithm, which is the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sha256(pub Digest);

impl<'de> Deserialize<'de> for Sha256 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let hex = String::deserialize(deserializer)?;
        let digest = Digest::from_hex(&hex);
        let bad = |_| serde::de::Error::custom("expected 64 hexadecimal digits");
        digest.map(Self).map_err(bad)
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CondaForm {
    pub name: String,
    pub version: String,
    pub build: String,
    pub subdir: String,
    pub url: Option<String>,
    pub path: Option<String>,
    pub sha256: Sha256,
    pub size: Option<u64>,
}

impl CondaForm {
    pub(crate) fn of(package: &CondaPackage, places: Places<'_>) -> Self {
        let local = relative::local(&package.url);
        let path = local.map(|path| relative::from(places.folder, &path));
        Self {
            name: package.name.clone(),
            version: package.version.clone(),
            build: package.build.clone(),
            subdir: package.subdir.clone(),
            url: path.is_none().then(|| package.url.clone()),
            path,
            sha256: Sha256(package.sha256),
            size: package.size,
        }
    }

    /// The package, or what is wrong with it.
    pub(crate) fn package(self, places: Places<'_>) -> Result<CondaPackage, String> {
        let url = match (self.url, self.path) {
            (Some(url), None) => {
                Url::parse(&url).map_err(|error| format!("`url`: {error}"))?.into()
            }
            (None, Some(path)) => Url::from_file_path(relative::to(places.folder, &path))
                .map_err(|()| format!("`path`: {path} is not a path"))?
                .to_string(),
            _ => return Err("expected `url` or `path`".to_owned()),
        };
        let channel = url.rsplitn(3, '/').nth(2).unwrap_or_default().to_owned();
        Ok(CondaPackage {
            name: self.name,
            version: self.version,
            build: self.build,
            subdir: self.subdir,
            channel,
            url,
            sha256: self.sha256.0,
            size: self.size,
        })
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PipForm {
    pub name: String,
    pub version: String,
    pub file: String,
    pub url: Option<String>,
    pub path: Option<String>,
    pub directory: Option<String>,
    pub git: Option<String>,
    pub commit: Option<String>,
    pub subdirectory: Option<String>,
    pub sha256: Sha256,
    pub size: Option<u64>,
}

impl PipForm {
    pub(crate) fn of(package: &LockedPackage, places: Places<'_>) -> Self {
        let artifact = &package.artifact;
        let mut form = Self {
            name: package.name.clone(),
            version: package.version.clone(),
            file: artifact.filename.clone(),
            url: None,
            path: None,
            directory: None,
            git: None,
            commit: None,
            subdirectory: None,
            sha256: Sha256(artifact.sha256),
            size: artifact.size,
        };
        match &artifact.origin {
            ArtifactOrigin::Url(url) => form.url = Some(without_login(url)),
            ArtifactOrigin::Path(path) if artifact.kind == ArtifactKind::Folder => {
                form.directory = Some(relative::from(places.folder, path));
            }
            ArtifactOrigin::Path(path) if is_found(path, places) => {}
            ArtifactOrigin::Path(path) => form.path = Some(relative::from(places.folder, path)),
            ArtifactOrigin::Git { url, commit, subdirectory } => {
                form.git = Some(without_login(url));
                form.commit = Some(commit.clone());
                form.subdirectory.clone_from(subdirectory);
            }
        }
        form
    }

    /// The package, or what is wrong with it.
    pub(crate) fn package(self, places: Places<'_>) -> Result<LockedPackage, String> {
        let legal = !self.file.is_empty() && !self.file.contains(['/', '\0']) && self.file != "..";
        if !legal {
            return Err(format!("`file`: {} is not a file name", self.file));
        }
        if self.name != normalize_name(&self.name) {
            let name = normalize_name(&self.name);
            return Err(format!("`name`: expected the normalised form, {name}"));
        }
        let given = [&self.url, &self.path, &self.directory, &self.git];
        if given.iter().filter(|place| place.is_some()).count() > 1 {
            return Err("expected one of `url`, `path`, `directory` and `git`".to_owned());
        }
        if self.git.is_some() != self.commit.is_some() {
            return Err("`git` and `commit` go together".to_owned());
        }
        let kind = match (&self.directory, &self.git) {
            (None, None) if self.file.ends_with(".whl") => ArtifactKind::Wheel,
            (None, None) => ArtifactKind::Sdist,
            _ => ArtifactKind::Folder,
        };
        let url = |key: &str, text: &str| {
            Url::parse(text).map(String::from).map_err(|error| format!("`{key}`: {error}"))
        };
        let origin = if let Some(text) = &self.url {
            ArtifactOrigin::Url(url("url", text)?)
        } else if let Some(path) = self.path.as_ref().or(self.directory.as_ref()) {
            ArtifactOrigin::Path(relative::to(places.folder, path))
        } else if let (Some(text), Some(commit)) = (&self.git, self.commit) {
            let subdirectory = self.subdirectory;
            ArtifactOrigin::Git { url: url("git", text)?, commit, subdirectory }
        } else {
            let mut found = places.find_links.iter().map(|folder| folder.join(&self.file));
            let there = found.find(|path| path.is_file());
            ArtifactOrigin::Path(there.unwrap_or_else(|| places.folder.join(&self.file)))
        };
        let artifact =
            Artifact { kind, filename: self.file, origin, size: self.size, sha256: self.sha256.0 };
        Ok(LockedPackage { name: self.name, version: self.version, artifact })
    }
}

/// Whether a file is in a folder of `find-links` outside the project.
fn is_found(path: &Path, places: Places<'_>) -> bool {
    let inside = relative::is_below(places.folder, path);
    let folder = path.parent();
    !inside && places.find_links.iter().any(|known| folder == Some(known.as_path()))
}

fn without_login(url: &str) -> String {
    Url::parse(url).map_or_else(|_| url.to_owned(), |url| mlpack_requirements::redact_url(&url))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn every_kind_of_origin_is_read_back() {
        let links = [PathBuf::from("/wheels")];
        let places = Places { folder: Path::new("/project"), find_links: &links };
        let git = |subdirectory: Option<&str>| ArtifactOrigin::Git {
            url: "https://h.example/a.git".to_owned(),
            commit: "0".repeat(40),
            subdirectory: subdirectory.map(str::to_owned),
        };
        let path = |path: &str| ArtifactOrigin::Path(path.into());
        let url = ArtifactOrigin::Url("https://h.example/a-1.tar.gz".to_owned());
        for (kind, filename, origin) in [
            (ArtifactKind::Wheel, "a-1-py3-none-any.whl", path("/project/a-1-py3-none-any.whl")),
            (ArtifactKind::Wheel, "a-1-py3-none-any.whl", path("/other/a-1-py3-none-any.whl")),
            (ArtifactKind::Sdist, "a-1.tar.gz", url),
            (ArtifactKind::Folder, "src", path("/src")),
            (ArtifactKind::Folder, "a", git(None)),
            (ArtifactKind::Folder, "a", git(Some("python"))),
        ] {
            let sha256 = Digest::of(b"a");
            let filename = filename.to_owned();
            let artifact = Artifact { kind, filename, origin, size: None, sha256 };
            let (name, version) = ("a".to_owned(), "1".to_owned());
            let package = LockedPackage { name, version, artifact };
            assert_eq!(PipForm::of(&package, places).package(places), Ok(package));
        }
    }
}
