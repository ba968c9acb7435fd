//! A workspace in a registry: a repository `PREFIX/NAME` per model.

use std::collections::BTreeMap;
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

/// The pause after a tag could not be written because another client was writing it.
const CONTENTION: Duration = Duration::from_millis(100);

/// How often a refused manifest is sent again.
const ATTEMPTS: usize = 10;

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

    /// Pushes a manifest. Some registries refuse one while another client writes a blob or a tag that it shares.
    fn push(
        &self,
        artifact: &Artifact,
        to: &Reference,
        progress: &dyn Progress,
    ) -> Result<(), Error> {
        let mut attempts = 0;
        loop {
            let sent = self.client.push_artifact(artifact, to, &[], progress);
            match self.runtime.block_on(sent) {
                Err(Error::Refused { reply, .. })
                    if matches!(reply.status, 400 | 409) && attempts < ATTEMPTS =>
                {
                    attempts += 1;
                    self.lost_race();
                }
                other => return other.map(drop),
            }
        }
    }

    /// Waits until the other writer of a tag is done.
    fn lost_race(&self) {
        self.runtime.block_on(async { tokio::time::sleep(CONTENTION).await });
    }

    fn digest(&self, name: &str, tag: &str) -> Result<Option<Digest>> {
        match self.runtime.block_on(self.client.resolve(&self.reference(name, tag))) {
            Err(Error::Content(
                ContentError::ImageMissing { .. } | ContentError::RepositoryMissing { .. },
            )) => Ok(None),
            other => Ok(Some(other?)),
        }
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

    fn get_all(
        &self,
        name: &str,
        wanted: &dyn Fn(&str) -> bool,
    ) -> Result<BTreeMap<String, Artifact>> {
        let mut found = BTreeMap::new();
        for tag in self.tags(name)?.into_iter().filter(|tag| wanted(tag)) {
            if let Some(artifact) = self.get(name, &tag)? {
                found.insert(tag, artifact);
            }
        }
        Ok(found)
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
        self.push(artifact, &pinned, progress)?;
        if self.digest(name, tag)? != expected {
            return Ok(false);
        }
        let reference = self.reference(name, tag);
        let sent = self.push(artifact, &reference, &Silent);
        match sent {
            Err(Error::Content(ContentError::TagFixed { .. })) => {
                self.lost_race();
                return Ok(false);
            }
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
