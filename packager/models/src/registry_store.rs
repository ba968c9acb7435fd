//! A workspace in a registry: a repository `PREFIX/NAME` per model.

use std::time::Duration;

use mlpack_oci::pending::PendingFolder;
use mlpack_oci::{Artifact, BlobStore, Digest, Progress, Reference, Silent};
use mlpack_registry::{Client, ContentError, Error};
use tokio::runtime::Handle;

use crate::Result;
use crate::repository::component;
use crate::store::Store;

/// How long a tag must name what was put there before it counts. Registries have no conditional write. Of several
/// writers who saw the same tag, the last one wins, and all of them see who that is once this time has passed: it must
/// be longer than any of them takes from looking at the tag to writing it.
const SETTLE: Duration = Duration::from_millis(1500);

pub(crate) struct RegistryStore {
    pub(crate) client: Client,
    pub(crate) runtime: Handle,
    pub(crate) registry: String,
    pub(crate) prefix: String,
    pub(crate) stage: BlobStore,
    /// Where the stage is; removed with this value.
    pub(crate) _folder: PendingFolder,
}

impl RegistryStore {
    fn reference(&self, name: &str, tag: &str) -> Reference {
        Reference::with_tag(self.registry.clone(), self.repository(name), tag.to_owned())
    }

    fn repository(&self, name: &str) -> String {
        match self.prefix.as_str() {
            "" => component(name),
            prefix => format!("{prefix}/{}", component(name)),
        }
    }

    fn digest(&self, name: &str, tag: &str) -> Result<Option<Digest>> {
        Ok(self.get(name, tag)?.map(|artifact| artifact.digest))
    }
}

impl Store for RegistryStore {
    fn place(&self) -> String {
        match self.prefix.as_str() {
            "" => self.registry.clone(),
            prefix => format!("{}/{prefix}", self.registry),
        }
    }

    fn names(&self) -> Result<Vec<String>> {
        let all = self.runtime.block_on(self.client.repositories(&self.registry))?;
        let prefix =
            if self.prefix.is_empty() { String::new() } else { format!("{}/", self.prefix) };
        let mut names = Vec::new();
        for repository in all {
            let Some(last) = repository.strip_prefix(&prefix).filter(|last| !last.contains('/'))
            else {
                continue;
            };
            // A repository may have a shortened name; the model's own is in each of its manifests.
            let tags = self.runtime.block_on(self.client.tags(&self.registry, &repository))?;
            let Some(tag) = tags.iter().find(|tag| tag.parse::<u32>().is_ok()) else { continue };
            let reference =
                Reference::with_tag(self.registry.clone(), repository.clone(), tag.clone());
            let found = self.runtime.block_on(self.client.artifact(&reference))?;
            let annotations = found.and_then(|found| found.manifest.annotations().clone());
            let title = annotations.unwrap_or_default().remove("org.opencontainers.image.title");
            if let Some(name) = title.filter(|name| component(name) == last) {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    fn tags(&self, name: &str) -> Result<Vec<String>> {
        Ok(self.runtime.block_on(self.client.tags(&self.registry, &self.repository(name)))?)
    }

    fn get(&self, name: &str, tag: &str) -> Result<Option<Artifact>> {
        Ok(self.runtime.block_on(self.client.artifact(&self.reference(name, tag)))?)
    }

    fn swap(
        &self,
        name: &str,
        tag: &str,
        expected: Option<Digest>,
        artifact: &Artifact,
        progress: &dyn Progress,
    ) -> Result<bool> {
        // Blobs and manifest first, so that little time passes between looking at the tag and writing it.
        let pinned = Reference::with_digest(
            self.registry.clone(),
            self.repository(name),
            artifact.digest.to_string(),
        );
        self.runtime.block_on(self.client.push_artifact(artifact, &pinned, &[], progress))?;
        if self.digest(name, tag)? != expected {
            return Ok(false);
        }
        let reference = self.reference(name, tag);
        let sent =
            self.runtime.block_on(self.client.push_artifact(artifact, &reference, &[], &Silent));
        match sent {
            // Some registries refuse a tag that another client is writing.
            Err(Error::Content(ContentError::TagFixed { .. })) => return Ok(false),
            other => other?,
        };
        if expected.is_none() {
            self.runtime.block_on(async { tokio::time::sleep(SETTLE).await });
        }
        Ok(self.digest(name, tag)? == Some(artifact.digest))
    }

    fn remove(&self, name: &str, _: &str, digest: Digest) -> Result<bool> {
        Ok(self.runtime.block_on(self.client.delete(
            &self.registry,
            &self.repository(name),
            digest,
        ))?)
    }

    fn stage(&self) -> &BlobStore {
        &self.stage
    }
}
