//! Source folders and repositories, source where they may be built.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use mlpack_oci::Digest;
use url::Url;

use crate::git::Repository;
use crate::source_tree::SourceTree;
use crate::{Error, Result};
use mlpack_lock::{Artifact, ArtifactKind, ArtifactOrigin};
use mlpack_oci::pending::PendingFolder;
use mlpack_packages::cache::store::Store;

/// Sources in a temporary folder.
pub struct FetchedSource {
    /// The folder of the project itself.
    pub path: PathBuf,
    /// How the lock records it.
    pub artifact: Artifact,
    _work: PendingFolder,
}

/// Fetches sources into temporary folders.
pub struct SourceFetcher<'a> {
    /// Holds the temporary folders.
    pub store: &'a Store,
    /// Where git is searched.
    pub search_path: Option<&'a OsString>,
}

impl SourceFetcher<'_> {
    /// A copy of a folder of this machine.
    pub fn folder(&self, folder: &Path) -> Result<FetchedSource> {
        let tree = SourceTree::read(folder)?;
        let work = self.store.work_folder()?;
        let filename = mlpack_packages::net::client::file_name(folder);
        // Build tools see the name of the folder.
        let path = work.path().join(if filename.is_empty() { "sources" } else { &filename });
        tree.copy(&path)?;
        // Of the copy, which stays as it is while somebody edits the original.
        let sha256 = SourceTree::read(&path)?.digest()?;
        let origin = ArtifactOrigin::Path(folder.to_owned());
        let artifact =
            Artifact { kind: ArtifactKind::Folder, filename, origin, size: None, sha256 };
        Ok(FetchedSource { path, artifact, _work: work })
    }

    /// A revision of a repository.
    pub async fn repository(
        &self,
        url: &Url,
        revision: Option<&str>,
        subdirectory: Option<&str>,
    ) -> Result<FetchedSource> {
        let repository = Repository { url, search_path: self.search_path };
        let work = self.store.work_folder()?;
        let last = url.path().trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        let filename =
            mlpack_requirements::percent_decode(last).trim_end_matches(".git").to_owned();
        let whole = work.path().join("repository");
        let commit = repository.check_out(revision, &whole).await?;
        let path = match subdirectory {
            Some(subdirectory) => whole.join(subdirectory),
            None => whole,
        };
        if !path.is_dir() {
            let url = mlpack_requirements::redact_url(url);
            let reason = format!("{commit} has no folder `{}`", subdirectory.unwrap_or_default());
            return Err(Error::Repository { url, reason });
        }
        let sha256 = SourceTree::read(&path)?.digest()?;
        let origin = ArtifactOrigin::Git {
            url: repository.plain().into(),
            commit,
            subdirectory: subdirectory.map(str::to_owned),
        };
        let artifact =
            Artifact { kind: ArtifactKind::Folder, filename, origin, size: None, sha256 };
        Ok(FetchedSource { path, artifact, _work: work })
    }

    /// Fetches the sources that a lock names and verifies their hash.
    pub async fn locked(&self, artifact: &Artifact) -> Result<FetchedSource> {
        let source = self.fetch(&artifact.origin).await?;
        same(&source.artifact, artifact.sha256)?;
        Ok(source)
    }

    /// Fetches the sources of an origin.
    pub async fn fetch(&self, origin: &ArtifactOrigin) -> Result<FetchedSource> {
        match origin {
            ArtifactOrigin::Path(folder) => self.folder(folder),
            ArtifactOrigin::Git { url, commit, subdirectory } => {
                let url = Url::parse(url).map_err(|error| Error::Origin {
                    reason: format!("`{url}` is not an address: {error}"),
                })?;
                self.repository(&url, Some(commit), subdirectory.as_deref()).await
            }
            ArtifactOrigin::Url(url) => {
                Err(Error::Origin { reason: format!("{url} is not a source folder") })
            }
        }
    }
}

fn same(found: &Artifact, expected: Digest) -> Result<()> {
    if found.sha256 == expected {
        return Ok(());
    }
    let filename = match &found.origin {
        ArtifactOrigin::Path(path) => path.display().to_string(),
        _ => found.filename.clone(),
    };
    let found = found.sha256;
    Err(mlpack_packages::Error::ChecksumMismatch { filename, expected, found }.into())
}
