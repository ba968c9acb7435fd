//! Push: every blob the target lacks, largest first and several at a time, then the manifest.

use std::cmp::Reverse;
use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt, stream};
use mlpack_oci::{
    Artifact, Digest, Image, MAX_MANIFEST_SIZE, PinnedReference, Progress, Reference,
};
use reqwest::{Method, Response, StatusCode};

use crate::body::ProgressFloor;
use crate::download::is_foreign;
use crate::error::{ContentError, Error, Result};
use crate::plan::{Blob, BlobRole, blobs};
use crate::scope::Scope;
use crate::transport::{Call, Transport};
use crate::upload::Upload;
use crate::upload_session::{Source, Target};
use crate::{Client, manifests};

/// What happened to a blob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BlobOutcome {
    /// The repository already contained it.
    Present,
    /// Mounted from another repository.
    Mounted {
        /// That repository.
        from: String,
    },
    /// Sent.
    Uploaded {
        /// Bytes an earlier push had sent already.
        resumed_at: u64,
        /// Bytes sent now, those that had to be sent twice included.
        sent: u64,
    },
    /// Not stored by registries.
    Foreign,
}

/// One blob of a push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushedBlob {
    /// What it is.
    pub role: BlobRole,
    /// Its digest.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// What happened to it.
    pub outcome: BlobOutcome,
}

/// The result of a push.
#[derive(Debug, Clone)]
pub struct Pushed {
    /// The image in its repository.
    pub pinned: PinnedReference,
    /// Bytes of blobs that were sent.
    pub bytes_sent: u64,
    /// Per blob, in the image's order.
    pub blobs: Vec<PushedBlob>,
}

impl Client {
    /// Pushes an image under the target's tag and `tags`. The manifest goes last, by digest before the
    /// tags, so that an incomplete image is never visible.
    ///
    /// # Errors
    /// The registry's refusal, a source that cannot be read, or [`ContentError::OtherDigest`].
    pub async fn push(
        &self,
        image: &Image,
        target: &Reference,
        tags: &[String],
        progress: &dyn Progress,
    ) -> Result<Pushed> {
        self.push_artifact(&Artifact::from(image), target, tags, progress).await
    }

    /// Pushes an artifact as [`Client::push`] does an image.
    ///
    /// # Errors
    /// As there.
    pub async fn push_artifact(
        &self,
        image: &Artifact,
        target: &Reference,
        tags: &[String],
        progress: &dyn Progress,
    ) -> Result<Pushed> {
        if let Some(named) = target.digest()
            && named != image.digest.to_string()
        {
            let reference = target.to_string();
            return Err(ContentError::OtherDigest { reference, digest: image.digest }.into());
        }
        if image.manifest_bytes.len() as u64 > MAX_MANIFEST_SIZE {
            return Err(Error::Image(mlpack_oci::Error::DocumentTooLarge {
                what: "manifest",
                place: image.place.clone(),
                size: image.manifest_bytes.len() as u64,
                limit: MAX_MANIFEST_SIZE,
            }));
        }
        let transport = self.transport(target.registry()).await?;
        let scope = Scope::push(target.repository());
        let wanted = image.digest.to_string();
        // A registry only accepts a manifest whose blobs it has.
        let whole = manifests::head(&transport, &scope, &wanted).await? == Some(image.digest);
        let blobs = self.push_blobs(&transport, &scope, image, target, whole, progress).await?;
        if !whole {
            self.put(&transport, &scope, image, &wanted).await?;
        }
        let mut all = Vec::new();
        for tag in target.tag().into_iter().chain(tags.iter().map(String::as_str)) {
            if !all.contains(&tag) {
                all.push(tag);
            }
        }
        for tag in all {
            self.put(&transport, &scope, image, tag).await?;
            progress.note(&format!("tagged {}/{}:{tag}", target.registry(), target.repository()));
        }
        let bytes_sent = blobs.iter().map(|blob| match blob.outcome {
            BlobOutcome::Uploaded { sent, .. } => sent,
            _ => 0,
        });
        Ok(Pushed {
            bytes_sent: bytes_sent.sum(),
            pinned: PinnedReference {
                place: format!("{}/{}", target.registry(), target.repository()),
                digest: image.digest,
            },
            blobs,
        })
    }

    async fn push_blobs(
        &self,
        transport: &Transport,
        scope: &Scope,
        image: &Artifact,
        target: &Reference,
        whole: bool,
        progress: &dyn Progress,
    ) -> Result<Vec<PushedBlob>> {
        let mut order: Vec<(usize, Blob)> = blobs(image).into_iter().enumerate().collect();
        // The largest first: what is left at the end is short.
        order.sort_by_key(|(_, blob)| Reverse(blob.descriptor.size()));
        let parallel = self.inner.settings.max_parallel.max(1);
        let mut done: Vec<(usize, PushedBlob)> = stream::iter(order)
            .map(|(index, blob)| async move {
                let outcome = if whole {
                    self.record_present(target, blob.digest);
                    BlobOutcome::Present
                } else {
                    self.push_blob(transport, scope, image, target, &blob, progress).await?
                };
                let size = blob.descriptor.size();
                let pushed = PushedBlob { role: blob.role, digest: blob.digest, size, outcome };
                Ok::<_, Error>((index, pushed))
            })
            .buffer_unordered(parallel)
            .try_collect()
            .await?;
        done.sort_by_key(|(index, _)| *index);
        Ok(done.into_iter().map(|(_, blob)| blob).collect())
    }

    async fn push_blob(
        &self,
        transport: &Transport,
        scope: &Scope,
        image: &Artifact,
        target: &Reference,
        blob: &Blob,
        progress: &dyn Progress,
    ) -> Result<BlobOutcome> {
        let name = format!("{} {}", blob.role, blob.digest.short());
        if is_foreign(&blob.descriptor) {
            progress.note(&format!("{name}: foreign, not pushed"));
            return Ok(BlobOutcome::Foreign);
        }
        if self.is_present(transport, target, scope, blob.digest).await? {
            progress.note(&format!("{name}: present"));
            return Ok(BlobOutcome::Present);
        }
        let lock = self.inner.sessions.lock(target, blob.digest);
        let mut fresh = None;
        // A session exists only if mounting did not work before.
        if lock.load().is_none() {
            for from in self.mount_sources(&*image.blobs, target, blob.digest) {
                match self.mount(transport, target, &from, blob.digest).await? {
                    Mount::Done => {
                        self.record_present(target, blob.digest);
                        progress.note(&format!("{name}: mounted from {from}"));
                        return Ok(BlobOutcome::Mounted { from });
                    }
                    // The registry opened an upload instead.
                    Mount::Opened(response) => {
                        self.inner.memory.forget_blob(target.registry(), &from, blob.digest);
                        fresh = Some(response);
                        break;
                    }
                    Mount::Refused => {
                        self.inner.memory.forget_blob(target.registry(), &from, blob.digest);
                    }
                }
            }
        }
        let source = match blob.role {
            BlobRole::Config => Source::Memory(image.config_bytes.clone()),
            BlobRole::Layer(_) => Source::Blobs(image.blobs.clone()),
        };
        let meter = progress.begin(&name, Some(blob.descriptor.size()));
        let destination = Target {
            transport,
            scope,
            digest: blob.digest,
            descriptor: &blob.descriptor,
            source,
            lock,
            floor: Arc::new(ProgressFloor::new(meter.clone())),
            finish_timeout: self.inner.settings.finish_timeout,
        };
        let upload =
            Upload { client: self, reference: target, target: destination, name: &name, progress };
        let (resumed_at, sent) = upload.run(fresh).await?;
        self.record_present(target, blob.digest);
        meter.finish(&match resumed_at {
            0 => "uploaded".to_owned(),
            at => format!("uploaded, resumed at {at}"),
        });
        Ok(BlobOutcome::Uploaded { resumed_at, sent })
    }

    /// Asks the registry to mount a blob from another of its repositories (distribution-spec,
    /// "Mounting a blob from another repository"). Any answer but 201 and 202 means that it does not,
    /// which is not an error: the blob can be uploaded.
    async fn mount(
        &self,
        transport: &Transport,
        target: &Reference,
        from: &str,
        digest: Digest,
    ) -> Result<Mount> {
        let scope = Scope::push(target.repository()).and_pull_from(from);
        let mut url = transport.endpoint().url(&format!("{}/blobs/uploads/", target.repository()));
        url.query_pairs_mut().append_pair("mount", &digest.to_string()).append_pair("from", from);
        let action = "mount a blob";
        let sent = transport
            .send_with_retry(|| Call::new(Method::POST, url.clone(), &scope, action))
            .await;
        match sent {
            Ok(response) if response.status() == StatusCode::CREATED => Ok(Mount::Done),
            Ok(response) if response.status() == StatusCode::ACCEPTED => {
                Ok(Mount::Opened(response))
            }
            Ok(_) | Err(Error::Auth(_) | Error::Refused { .. }) => Ok(Mount::Refused),
            Err(error) => Err(error),
        }
    }

    /// Puts the manifest and verifies the digest the registry reports.
    async fn put(
        &self,
        transport: &Transport,
        scope: &Scope,
        image: &Artifact,
        under: &str,
    ) -> Result<()> {
        let response = manifests::put(transport, scope, image, under).await?;
        if response.status().is_success() {
            let found = manifests::content_digest(response.headers());
            return match found {
                Some(found) if found != image.digest => Err(ContentError::DigestMismatch {
                    what: "manifest",
                    place: format!("{}/{}", transport.endpoint().name, scope.repository),
                    expected: image.digest,
                    found: found.to_string(),
                }
                .into()),
                _ => Ok(()),
            };
        }
        let error = transport.refusal(response, scope, "push the manifest").await;
        // Registries with immutable tags refuse even the image the tag already names.
        if under != image.digest.to_string()
            && let Error::Refused { registry, reply, .. } = &error
            && matches!(reply.status, 400 | 409)
        {
            return match manifests::head(transport, scope, under).await? {
                Some(found) if found == image.digest => Ok(()),
                Some(_) => Err(ContentError::TagFixed {
                    registry: registry.clone(),
                    repository: scope.repository.clone(),
                    tag: under.to_owned(),
                    reply: reply.clone(),
                }
                .into()),
                None => Err(error),
            };
        }
        Err(error)
    }
}

enum Mount {
    Done,
    Opened(Response),
    Refused,
}
