//! What the resolver writes, a lock file of the standard form, read for one target.

use crate::error::PipError;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use mlpack_oci::Digest;
use serde::Deserialize;

use crate::Result;
use mlpack_lock::{Artifact, ArtifactKind, ArtifactOrigin, LockedPackage};
use mlpack_requirements::WheelName;
use mlpack_requirements::redact;
use mlpack_requirements::{Target, normalize_name};

/// SHA-256 of the files that may be taken, by package; any for a package that is not there.
pub(crate) type Hashes = BTreeMap<String, BTreeSet<String>>;

/// A `pylock.toml` that uv wrote (PyPA specifications, "pylock.toml"), read for one target.
#[derive(Debug)]
pub(crate) struct Pylock {
    /// As uv wrote it.
    pub(crate) text: String,
    /// Packages that are files, sorted by name.
    pub(crate) packages: Vec<LockedPackage>,
    /// Names and places of those that are sources, whose version and hash are not known yet.
    pub(crate) sources: Vec<(String, ArtifactOrigin)>,
}

impl Pylock {
    /// Reads a lock, choosing for each package the wheel that fits `target` best, else its source.
    /// Relative paths start at `dir`.
    ///
    /// # Errors
    /// [`PipError::Pylock`] if it cannot be read, [`PipError::NoFile`], [`PipError::NoHash`],
    /// [`PipError::HashMismatch`] or [`PipError::IncompatibleWheel`] for a package that cannot be locked.
    pub(crate) fn read(text: String, target: &Target, dir: &Path, hashes: &Hashes) -> Result<Self> {
        let document: Document = toml::from_str(&text)
            .map_err(|error| PipError::Pylock { reason: error.message().to_owned() })?;
        let mut packages = Vec::new();
        let mut sources = Vec::new();
        for package in document.packages {
            match package.sources(dir) {
                Some(origin) => sources.push((normalize_name(&package.name), origin)),
                None => packages.push(package.choose(target, dir, hashes)?),
            }
        }
        packages.sort_by(|left, right| left.name.cmp(&right.name));
        if let Some(pair) = packages.windows(2).find(|pair| pair[0].name == pair[1].name) {
            return Err(
                PipError::Pylock { reason: format!("{} is there twice", pair[0].name) }.into()
            );
        }
        Ok(Self { text, packages, sources })
    }

    /// The package of a normalised name.
    pub(crate) fn package(&self, name: &str) -> Option<&LockedPackage> {
        self.packages.iter().find(|package| package.name == name)
    }
}

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    packages: Vec<PylockPackage>,
}

#[derive(Deserialize)]
struct PylockPackage {
    name: String,
    version: Option<String>,
    #[serde(default)]
    wheels: Vec<PylockFile>,
    sdist: Option<PylockFile>,
    archive: Option<PylockFile>,
    vcs: Option<PylockVcs>,
    directory: Option<PylockDirectory>,
}

#[derive(Deserialize)]
struct PylockVcs {
    url: Option<String>,
    path: Option<String>,
    #[serde(rename = "commit-id")]
    commit: String,
    subdirectory: Option<String>,
}

#[derive(Deserialize)]
struct PylockDirectory {
    path: PathBuf,
    subdirectory: Option<PathBuf>,
}

#[derive(Deserialize)]
struct PylockFile {
    name: Option<String>,
    url: Option<String>,
    path: Option<String>,
    size: Option<u64>,
    #[serde(default)]
    hashes: BTreeMap<String, String>,
}

impl PylockPackage {
    /// The place of a package that is no file.
    fn sources(&self, dir: &Path) -> Option<ArtifactOrigin> {
        if let Some(PylockDirectory { path, subdirectory }) = &self.directory {
            let folder = dir.join(path);
            return Some(ArtifactOrigin::Path(match subdirectory {
                Some(below) => folder.join(below),
                None => folder,
            }));
        }
        let vcs = self.vcs.as_ref()?;
        let url = vcs.url.clone().or_else(|| {
            let path = dir.join(vcs.path.as_ref()?);
            Some(url::Url::from_file_path(path).ok()?.into())
        });
        Some(ArtifactOrigin::Git {
            url: url.map(|url| redact(&url)).unwrap_or_default(),
            commit: vcs.commit.clone(),
            subdirectory: vcs.subdirectory.clone(),
        })
    }

    fn choose(self, target: &Target, dir: &Path, hashes: &Hashes) -> Result<LockedPackage> {
        let name = normalize_name(&self.name);
        let allowed = |file: &PylockFile| match (hashes.get(&name), file.hashes.get("sha256")) {
            (Some(allowed), Some(hex)) => allowed.contains(&hex.to_lowercase()),
            _ => true,
        };
        if let Some(file) = &self.archive
            && let Some(filename) = file.filename()
            && let Some(reason) =
                WheelName::parse(&filename).and_then(|wheel| wheel.incompatibility(target))
        {
            return Err(PipError::IncompatibleWheel {
                name,
                wheel: filename,
                target: target.describe(),
                reason,
            }
            .into());
        }
        let best = self
            .wheels
            .iter()
            .filter(|wheel| allowed(wheel))
            .filter_map(|wheel| {
                let rank = WheelName::parse(&wheel.filename()?)?.rank(target)?;
                Some((rank, wheel))
            })
            .min_by(|left, right| left.0.cmp(&right.0))
            .map(|(_, wheel)| wheel);
        let source = self.archive.as_ref().or(self.sdist.as_ref());
        let Some(file) = best.or(source.filter(|file| allowed(file))) else {
            let refused = self.wheels.iter().find(|wheel| !allowed(wheel)).or(source);
            if let Some(filename) = refused.and_then(PylockFile::filename) {
                return Err(PipError::HashMismatch { name, filename }.into());
            }
            let wheels = self.wheels.iter().filter_map(PylockFile::filename).collect();
            return Err(PipError::NoFile { name, target: target.describe(), wheels }.into());
        };
        let artifact = file.artifact(&name, dir)?;
        if hashes.get(&name).is_some_and(|allowed| !allowed.contains(&artifact.sha256.hex())) {
            return Err(PipError::HashMismatch { name, filename: artifact.filename }.into());
        }
        let version = match (self.version, WheelName::parse(&artifact.filename)) {
            (Some(version), _) => version,
            (None, Some(wheel)) => wheel.version,
            (None, None) => {
                return Err(PipError::Pylock { reason: format!("{name} has no version") }.into());
            }
        };
        Ok(LockedPackage { name, version, artifact })
    }
}

impl PylockFile {
    fn filename(&self) -> Option<String> {
        let from = |place: &str| {
            let plain = place.split(['?', '#']).next().unwrap_or(place);
            plain.rsplit('/').next().map(mlpack_requirements::percent_decode)
        };
        self.name
            .clone()
            .or_else(|| self.url.as_deref().and_then(from))
            .or_else(|| self.path.as_deref().and_then(from))
    }

    fn artifact(&self, package: &str, dir: &Path) -> Result<Artifact> {
        let filename = self
            .filename()
            .filter(|name| !name.is_empty() && !name.contains(['/', '\0']) && name != "..")
            .ok_or_else(|| PipError::Pylock {
                reason: format!("{package} has a file without a name"),
            })?;
        let kind =
            if filename.ends_with(".whl") { ArtifactKind::Wheel } else { ArtifactKind::Sdist };
        let local = self.path.as_ref().map(PathBuf::from).or_else(|| {
            let url = url::Url::parse(self.url.as_deref()?).ok()?;
            if url.scheme() == "file" { url.to_file_path().ok() } else { None }
        });
        let origin = match (local, &self.url) {
            (Some(path), _) => ArtifactOrigin::Path(dir.join(path)),
            (None, Some(url)) => ArtifactOrigin::Url(redact(url)),
            (None, None) => {
                return Err(PipError::Pylock {
                    reason: format!("{filename} has neither url nor path"),
                }
                .into());
            }
        };
        let sha256 = match (self.hashes.get("sha256"), &origin) {
            (Some(hex), _) => Digest::from_hex(hex)
                .map_err(|error| PipError::Pylock { reason: format!("{filename}: {error}") })?,
            (None, ArtifactOrigin::Path(path)) => mlpack_packages::cache::store::digest_file(path)?,
            (None, _) => {
                return Err(PipError::NoHash { name: package.to_owned(), filename }.into());
            }
        };
        Ok(Artifact { kind, filename, origin, size: self.size, sha256 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::target;

    const HEX: &str = "56ec37616c00220032fc7b8c9d0ef51367fd0d70d9cd6ddd841660f949f84fed";

    #[test]
    fn the_best_wheel_is_chosen_else_the_source() {
        let text = format!(
            r#"
            [[packages]]
            name = "Wrapt"
            version = "1.12.1"
            sdist = {{ url = "https://i.example/wrapt-1.12.1.tar.gz", size = 9, hashes = {{ sha256 = "{HEX}" }} }}
            [[packages]]
            name = "numpy"
            version = "1.19.5"
            sdist = {{ url = "https://i.example/numpy-1.19.5.zip", hashes = {{ sha256 = "{HEX}" }} }}
            wheels = [
              {{ url = "https://i.example/numpy-1.19.5-cp36-cp36m-manylinux_2_24_x86_64.whl", hashes = {{ sha256 = "{HEX}" }} }},
              {{ url = "https://i.example/numpy-1.19.5-cp36-cp36m-manylinux1_x86_64.whl", hashes = {{ sha256 = "{HEX}" }} }},
              {{ url = "https://i.example/numpy-1.19.5-cp36-cp36m-manylinux2010_x86_64.whl#x", size = 7, hashes = {{ sha256 = "{HEX}" }} }},
            ]"#
        );
        let lock = Pylock::read(text, &target(), Path::new("/"), &Hashes::new()).unwrap();
        let artifact = |kind, filename: &str, url: &str, size| Artifact {
            kind,
            filename: filename.to_owned(),
            origin: ArtifactOrigin::Url(format!("https://i.example/{url}")),
            size,
            sha256: Digest::from_hex(HEX).unwrap(),
        };
        let package = |name: &str, version: &str, artifact| LockedPackage {
            name: name.to_owned(),
            version: version.to_owned(),
            artifact,
        };
        let wheel = "numpy-1.19.5-cp36-cp36m-manylinux2010_x86_64.whl";
        let source = "wrapt-1.12.1.tar.gz";
        assert_eq!(
            lock.packages,
            [
                package(
                    "numpy",
                    "1.19.5",
                    artifact(ArtifactKind::Wheel, wheel, &format!("{wheel}#x"), Some(7))
                ),
                package("wrapt", "1.12.1", artifact(ArtifactKind::Sdist, source, source, Some(9))),
            ]
        );
        assert_eq!(lock.package("wrapt"), Some(&lock.packages[1]));
    }

    #[test]
    fn what_cannot_be_locked_is_named() {
        let read = |text: &str| {
            let read = Pylock::read(text.to_owned(), &target(), Path::new("/"), &Hashes::new());
            read.unwrap_err().to_string()
        };
        assert_eq!(
            read(
                "[[packages]]\nname = 'a'\nversion = '1'\nwheels = [{ url = 'https://x/a-1-cp37-cp37m-win_amd64.whl' }]"
            ),
            "a has no file for cpython-3.6.15-linux-amd64-glibc2.23, only a-1-cp37-cp37m-win_amd64.whl"
        );
        assert_eq!(
            read(
                "[[packages]]\nname = 'a'\nversion = '1'\nsdist = { url = 'https://x/a-1.tar.gz' }"
            ),
            "the index has no SHA-256 for a-1.tar.gz of a"
        );
        assert!(read("packages = 3").starts_with("cannot read the lock that uv wrote: "));
    }
}
