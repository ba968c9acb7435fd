//! Packages of a locked environment in the cache: downloads, local files, built sources.

use std::path::{Path, PathBuf};

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use mlpack_oci::{Digest, Progress};

use crate::{Error, Result};
use mlpack_lock::{Artifact, ArtifactKind, ArtifactOrigin, LockedEnvironment, LockedPackage};
use mlpack_packages::Settings;
use mlpack_packages::cache::store;
use mlpack_packages::cache::store::Store;
use mlpack_packages::conda;
use mlpack_packages::conda::archive::StoredConda;
use mlpack_packages::conda::channels::Channels;
use mlpack_packages::net::client::{Client, Download};
use mlpack_packages::net::index;
use mlpack_packages::wheel::archive::{StoredWheel, WheelFile};
use mlpack_requirements::WheelName;
use mlpack_requirements::{CondaFile, Target};
use mlpack_source_build::builder;
use mlpack_source_build::builder::Builder;
use mlpack_source_build::interpreters;
use mlpack_source_build::uv::Uv;

/// Files fetched at the same time.
const PARALLEL: usize = 6;
/// Sources built at the same time.
const BUILDS: usize = 2;

/// The packages of an environment, in the cache.
#[derive(Debug, Clone)]
pub struct Fetched {
    pub(crate) conda: Vec<StoredConda>,
    pub(crate) wheels: Vec<StoredWheel>,
}

impl Fetched {
    /// The paths of the wheels, in the order of the environment's packages.
    pub fn wheels(&self) -> impl Iterator<Item = &Path> {
        self.wheels.iter().map(|wheel| &*wheel.path)
    }
}

/// Downloads and builds the packages of a locked environment into the cache.
///
/// Files in the cache are not requested again. Sources are built where no wheel built
/// from the same bytes for the same interpreter is there. `file` lends the logins of its channels.
///
/// # Errors
/// [`mlpack_packages::Error::Fetch`], [`mlpack_packages::Error::ChecksumMismatch`], [`mlpack_source_build::Error::Unbuildable`], or the cache's own.
pub async fn fetch_packages(
    environment: &LockedEnvironment,
    file: Option<&CondaFile>,
    settings: &Settings,
    progress: &dyn Progress,
) -> Result<Fetched> {
    let store = Store::new(&settings.cache);
    let client = Client::new(&settings.indexes)?.with_logins(&settings.logins);
    let channels = match file.filter(|_| !environment.conda.is_empty()) {
        Some(file) => Channels::with_lines(file, settings)?,
        None => Channels::default(),
    };
    let conda = conda::fetch(&environment.conda, &channels, &store, &client, progress).await?;
    let mut got: Vec<(usize, Got)> = stream::iter(environment.packages.iter().enumerate())
        .map(async |(index, package)| {
            Ok::<_, Error>((
                index,
                fetch(package, environment, &store, &client, settings, progress).await?,
            ))
        })
        .buffer_unordered(PARALLEL)
        .try_collect()
        .await?;
    let sources: Vec<(usize, PathBuf)> = got
        .iter()
        .filter_map(|(index, got)| match got {
            Got::Source(path) => Some((*index, path.clone())),
            Got::Wheel(..) => None,
        })
        .collect();
    if !sources.is_empty() {
        let target = &environment.target;
        let uv = Uv::find(settings, &store, &client, progress).await?;
        let found = interpreters::find(settings, &store, target, &conda, progress).await?;
        let builder = Builder {
            uv: &uv,
            store: &store,
            target,
            interpreters: &found,
            search_path: settings.search_path.as_ref(),
        };
        let built: Vec<(usize, Got)> = stream::iter(sources)
            .map(async |(index, source)| {
                let package = &environment.packages[index];
                let wheel = builder.build_locked(package, &source, progress).await?;
                let sha256 = store::digest_file(&wheel)?;
                Ok::<_, Error>((index, Got::Wheel(wheel, sha256)))
            })
            .buffer_unordered(BUILDS)
            .try_collect()
            .await?;
        got.retain(|(_, got)| matches!(got, Got::Wheel(..)));
        got.extend(built);
    }
    got.sort_by_key(|(index, _)| *index);
    let wheels = got.into_iter().filter_map(|(index, got)| {
        let LockedPackage { name, version, .. } = environment.packages[index].clone();
        match got {
            Got::Wheel(path, sha256) => Some(StoredWheel { name, version, path, sha256 }),
            Got::Source(_) => None,
        }
    });
    Ok(Fetched { conda, wheels: wheels.collect() })
}

enum Got {
    /// A wheel and the digest of its bytes.
    Wheel(PathBuf, Digest),
    Source(PathBuf),
}

async fn fetch(
    package: &LockedPackage,
    environment: &LockedEnvironment,
    store: &Store,
    client: &Client,
    settings: &Settings,
    progress: &dyn Progress,
) -> Result<Got> {
    let artifact = &package.artifact;
    let kind = match artifact.kind {
        ArtifactKind::Wheel => "wheels",
        ArtifactKind::Sdist | ArtifactKind::Folder => "sdists",
    };
    if artifact.kind != ArtifactKind::Wheel
        && let Some(wheel) = builder::stored(store, &environment.target, &artifact.sha256)
    {
        let sha256 = store::digest_file(&wheel)?;
        return Ok(Got::Wheel(wheel, sha256));
    }
    if artifact.kind == ArtifactKind::Folder {
        return Ok(Got::Source(PathBuf::new()));
    }
    let path = store.artifact(kind, &artifact.sha256, &artifact.filename);
    drop_damaged(artifact, &path)?;
    match &artifact.origin {
        ArtifactOrigin::Url(url) => {
            let (sha256, size) = (artifact.sha256, artifact.size);
            let wanted = Download { url, path: path.clone(), sha256, size };
            if let Err(error) = client.file(&wanted, progress).await {
                // The lock may name a mirror that cannot be reached from here.
                let other = match error {
                    mlpack_packages::Error::Fetch { .. } => {
                        elsewhere(package, client, settings).await
                    }
                    _ => None,
                };
                let Some(url) = other.filter(|other| other != url) else {
                    return Err(error.into());
                };
                let wanted = Download { url: &url, path: path.clone(), sha256, size };
                client.file(&wanted, progress).await?;
            }
        }
        ArtifactOrigin::Path(source) => {
            store::copy_in(source, &path, artifact.sha256, &artifact.filename)?;
        }
        ArtifactOrigin::Git { url, .. } => {
            let reason = format!("{url} is not a file");
            return Err(mlpack_source_build::Error::Origin { reason }.into());
        }
    }
    if artifact.kind == ArtifactKind::Wheel {
        check_unchecked(package, &path, &environment.target)?;
    }
    Ok(match artifact.kind {
        ArtifactKind::Wheel => Got::Wheel(path, artifact.sha256),
        ArtifactKind::Sdist | ArtifactKind::Folder => Got::Source(path),
    })
}

/// Removes a wheel of the cache that cannot be opened and has other bytes than it should, so that it is
/// fetched again. Damage inside a member is found when the layer is written.
fn drop_damaged(artifact: &Artifact, path: &Path) -> Result<()> {
    let is_good = artifact.kind != ArtifactKind::Wheel
        || !path.is_file()
        || WheelFile::open(path).is_ok()
        || store::digest_file(path)? == artifact.sha256;
    if is_good {
        return Ok(());
    }
    std::fs::remove_file(path)
        .map_err(mlpack_packages::Error::io("remove", path))
        .map_err(Into::into)
}

/// A wheel for plain `linux` was made on one machine, for the C library of that machine.
fn check_unchecked(package: &LockedPackage, path: &Path, target: &Target) -> Result<()> {
    let filename = &package.artifact.filename;
    let plain = WheelName::parse(filename)
        .is_some_and(|wheel| wheel.tags().2.iter().all(|platform| platform.starts_with("linux_")));
    if !plain {
        return Ok(());
    }
    builder::accept(path, target).map_err(|reason| Error::IncompatibleWheel {
        name: package.name.clone(),
        wheel: filename.clone(),
        target: target.describe(),
        reason,
    })
}

/// The same file on the index of this machine; it is verified by the same hash.
async fn elsewhere(
    package: &LockedPackage,
    client: &Client,
    settings: &Settings,
) -> Option<String> {
    if settings.indexes.no_index {
        return None;
    }
    let files = index::files(client, &settings.indexes, &package.name).await.ok()?;
    let same = files.into_iter().find(|file| file.filename == package.artifact.filename)?;
    Some(same.url.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_wheel_of_the_cache_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a-1-py3-none-any.whl");
        let stays = |kind: ArtifactKind, expected: &[u8]| {
            std::fs::write(&path, "no archive").unwrap();
            let origin = ArtifactOrigin::Url("https://h.example/a".to_owned());
            let sha256 = Digest::of(expected);
            let filename = "a-1-py3-none-any.whl".to_owned();
            drop_damaged(&Artifact { kind, filename, origin, size: None, sha256 }, &path).unwrap();
            path.exists()
        };
        assert!(!stays(ArtifactKind::Wheel, b"the archive"));
        // Published like this, so another download has the same bytes.
        assert!(stays(ArtifactKind::Wheel, b"no archive"));
        assert!(stays(ArtifactKind::Sdist, b"the archive"));
    }
}
