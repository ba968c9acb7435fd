//! What a push would do with each blob, decided before anything is sent.

use std::collections::HashSet;

use mlpack_oci::spec::Descriptor;
use mlpack_oci::{Artifact, Blobs, Digest, Image, Reference};
use reqwest::{Method, StatusCode};

use crate::download::is_foreign;
use crate::error::Result;
use crate::scope::Scope;
use crate::transport::{Call, Transport};
use crate::{Client, manifests};

/// What a blob is in its image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlobRole {
    /// The config.
    Config,
    /// A layer by its index: 0 is the bottom one, which is shown as `layer 1`.
    Layer(usize),
}

impl std::fmt::Display for BlobRole {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Config => f.write_str("config"),
            Self::Layer(index) => write!(f, "layer {}", index + 1),
        }
    }
}

/// What would happen to a blob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BlobAction {
    /// The repository contains it.
    Present,
    /// It would be mounted from another repository of the same registry, without moving a byte.
    /// A registry may refuse; then it is uploaded.
    Mount {
        /// That repository.
        from: String,
    },
    /// It would be uploaded.
    Upload {
        /// Bytes that an earlier push has already sent.
        resume_at: u64,
    },
    /// Registries do not store it.
    Foreign,
}

/// One blob of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobPlan {
    /// What it is.
    pub role: BlobRole,
    /// Its digest.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// What would happen to it.
    pub action: BlobAction,
}

/// A blob of an image, each digest once.
#[derive(Debug, Clone)]
pub(crate) struct Blob {
    pub(crate) role: BlobRole,
    pub(crate) digest: Digest,
    pub(crate) descriptor: Descriptor,
}

/// Returns the blobs of an artifact in its order.
pub(crate) fn blobs(artifact: &Artifact) -> Vec<Blob> {
    let mut seen = HashSet::new();
    let layers = artifact.layers().enumerate().map(|(index, (digest, layer))| Blob {
        role: BlobRole::Layer(index),
        digest,
        descriptor: layer.clone(),
    });
    let config = Blob {
        role: BlobRole::Config,
        digest: Digest::of(&artifact.config_bytes),
        descriptor: artifact.manifest.config().clone(),
    };
    layers.chain([config]).filter(|blob| seen.insert(blob.digest)).collect()
}

impl Client {
    /// Returns what a push to `target` would do with each blob. Changes nothing in the registry.
    ///
    /// # Errors
    /// The registry's refusal.
    pub async fn plan_push(&self, image: &Image, target: &Reference) -> Result<Vec<BlobPlan>> {
        let transport = self.transport(target.registry()).await?;
        let scope = Scope::push(target.repository());
        let wanted = image.digest.to_string();
        let whole = manifests::head(&transport, &scope, &wanted).await? == Some(image.digest);
        let mut plan = Vec::new();
        for blob in blobs(&Artifact::from(image)) {
            let action = if is_foreign(&blob.descriptor) {
                BlobAction::Foreign
            } else if whole || self.is_present(&transport, target, &scope, blob.digest).await? {
                BlobAction::Present
            } else {
                let session = self.inner.sessions.lock(target, blob.digest).load();
                match session {
                    Some(session) => BlobAction::Upload { resume_at: session.offset },
                    None => self
                        .mount_source(&*image.blobs, target, &transport, blob.digest)
                        .await?
                        .map_or(BlobAction::Upload { resume_at: 0 }, |from| BlobAction::Mount {
                            from,
                        }),
                }
            };
            let size = blob.descriptor.size();
            plan.push(BlobPlan { role: blob.role, digest: blob.digest, size, action });
        }
        Ok(plan)
    }

    /// Returns whether the target contains a blob.
    pub(crate) async fn is_present(
        &self,
        transport: &Transport,
        target: &Reference,
        scope: &Scope,
        digest: Digest,
    ) -> Result<bool> {
        if self.is_recorded(target, digest) {
            return Ok(true);
        }
        let present = has_blob(transport, scope, target.repository(), digest).await?;
        if present {
            self.record_present(target, digest);
        }
        Ok(present)
    }

    /// Returns the first repository to mount the blob from that contains it now. What earlier pushes
    /// recorded may be gone, or be of another registry that had the same address.
    async fn mount_source(
        &self,
        source: &dyn Blobs,
        target: &Reference,
        transport: &Transport,
        digest: Digest,
    ) -> Result<Option<String>> {
        for repository in self.mount_sources(source, target, digest) {
            if has_blob(transport, &Scope::pull(&repository), &repository, digest).await? {
                return Ok(Some(repository));
            }
            self.inner.memory.forget_blob(target.registry(), &repository, digest);
        }
        Ok(None)
    }

    /// Returns repositories of the target's registry that contain the blob; its origin is first.
    pub(crate) fn mount_sources(
        &self,
        source: &dyn Blobs,
        target: &Reference,
        digest: Digest,
    ) -> Vec<String> {
        let registry = target.registry();
        let origin = source.origin(&digest).filter(|origin| origin.registry == registry);
        let mut sources: Vec<String> = origin.map(|origin| origin.repository).into_iter().collect();
        for repository in self.inner.memory.repositories(registry, digest) {
            if !sources.contains(&repository) {
                sources.push(repository);
            }
        }
        sources.retain(|repository| repository != target.repository());
        sources
    }
}

/// Returns whether a repository contains a blob.
async fn has_blob(
    transport: &Transport,
    scope: &Scope,
    repository: &str,
    digest: Digest,
) -> Result<bool> {
    let action = "check for a blob";
    let url = transport.endpoint().url(&format!("{repository}/blobs/{digest}"));
    let response =
        transport.send_with_retry(|| Call::new(Method::HEAD, url.clone(), scope, action)).await?;
    match response.status() {
        // A redirect leads to the storage, so the registry has it.
        status if status.is_success() || status.is_redirection() => Ok(true),
        // Some registries answer 403 for what does not exist, others for what is not allowed;
        // the upload shows which.
        StatusCode::NOT_FOUND | StatusCode::FORBIDDEN | StatusCode::METHOD_NOT_ALLOWED => Ok(false),
        _ => Err(transport.refusal(response, scope, action).await),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_are_counted_from_one() {
        assert_eq!(BlobRole::Layer(0).to_string(), "layer 1");
        assert_eq!(BlobRole::Config.to_string(), "config");
    }
}
