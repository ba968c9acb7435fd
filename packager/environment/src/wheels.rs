//! From a locked environment to wheels in the cache: downloads, local files, built sources.

use std::path::PathBuf;

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use mlpack_oci::Progress;

use crate::fetch::{Client, Wanted};
use crate::lock::{ArtifactKind, ArtifactOrigin, LockedEnvironment, LockedPackage};
use crate::sdist::{self, Builder};
use crate::store::{self, Store};
use crate::uv::Uv;
use crate::wheel::StoredWheel;
use crate::{Error, Result, Settings, host};

/// Files fetched at the same time.
const PARALLEL: usize = 6;
/// Sources built at the same time.
const BUILDS: usize = 2;

/// Has every wheel of a locked environment in the cache, in the order of its packages.
///
/// What lies there already is not asked of the network. Sources are built where no wheel built
/// from the same bytes for the same interpreter is there.
///
/// # Errors
/// [`Error::Fetch`], [`Error::HashMismatch`], [`Error::SourceOnly`], or the cache's own.
pub async fn fetch_wheels(
    environment: &LockedEnvironment,
    settings: &Settings,
    progress: &dyn Progress,
) -> Result<Vec<StoredWheel>> {
    let store = Store::new(&settings.cache);
    store.sweep_artifacts();
    let client = Client::new(&settings.indexes)?;
    let mut got: Vec<(usize, Got)> = stream::iter(environment.packages.iter().enumerate())
        .map(async |(index, package)| {
            Ok::<_, Error>((index, fetch(package, environment, &store, &client, progress).await?))
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
        let pythons = host::find(settings, target.python).await;
        let builder = Builder { uv: &uv, store: &store, target, pythons: &pythons };
        let built: Vec<(usize, Got)> = stream::iter(sources)
            .map(async |(index, source)| {
                let package = &environment.packages[index];
                Ok::<_, Error>((
                    index,
                    Got::Wheel(builder.build(package, &source, progress).await?, true),
                ))
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
            Got::Wheel(path, built) => Some(StoredWheel { name, version, path, built }),
            Got::Source(_) => None,
        }
    });
    Ok(wheels.collect())
}

enum Got {
    /// A wheel, and whether it was built here.
    Wheel(PathBuf, bool),
    Source(PathBuf),
}

async fn fetch(
    package: &LockedPackage,
    environment: &LockedEnvironment,
    store: &Store,
    client: &Client,
    progress: &dyn Progress,
) -> Result<Got> {
    let artifact = &package.artifact;
    let kind = match artifact.kind {
        ArtifactKind::Wheel => "wheels",
        ArtifactKind::Sdist => "sdists",
    };
    if artifact.kind == ArtifactKind::Sdist
        && let Some(wheel) = sdist::stored(store, &environment.target, &artifact.sha256)
    {
        return Ok(Got::Wheel(wheel, true));
    }
    let path = store.artifact(kind, &artifact.sha256, &artifact.filename);
    match &artifact.origin {
        ArtifactOrigin::Url(url) => {
            let wanted =
                Wanted { url, path: path.clone(), sha256: artifact.sha256, size: artifact.size };
            client.file(&wanted, progress).await?;
        }
        ArtifactOrigin::Path(source) if !path.exists() => {
            let mut reader = std::fs::File::open(source).map_err(Error::io("read", source))?;
            let mut file = mlpack_oci::HashingWriter::new(store::pending(&path)?);
            std::io::copy(&mut reader, &mut file).map_err(Error::io("write", &path))?;
            let (file, found, _) = file.finish();
            if found != artifact.sha256 {
                let (filename, expected) = (artifact.filename.clone(), artifact.sha256);
                return Err(Error::HashMismatch { filename, expected, found });
            }
            store::persist(file, &path)?;
        }
        ArtifactOrigin::Path(_) => {}
    }
    Ok(match artifact.kind {
        ArtifactKind::Wheel => Got::Wheel(path, false),
        ArtifactKind::Sdist => Got::Source(path),
    })
}
