//! Push: every blob the target lacks, biggest first and several at a time, then the manifest.

use std::cmp::Reverse;
use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt, stream};
use mlpack_oci::{Digest, Image, MAX_MANIFEST_SIZE, PinnedReference, Progress, Reference};
use reqwest::{Method, Response, StatusCode};

use crate::auth::Scope;
use crate::body::HighWater;
use crate::download::is_foreign;
use crate::exchange::{Call, Exchange};
use crate::plan::{Blob, blobs};
use crate::upload::{Source, Upload};
use crate::{BlobRole, Client, Error, Result, manifests};

/// What became of a blob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BlobOutcome {
    /// The repository had it.
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
    /// Not held by registries.
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
    /// What became of it.
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
    /// Pushes an image under the target's own tag and `tags`. The manifest goes last, by digest
    /// before the tags, so that nobody ever sees an incomplete image.
    ///
    /// # Errors
    /// The registry's refusal, a source that cannot be read, or [`Error::OtherDigest`].
    pub async fn push(
        &self,
        image: &Image,
        target: &Reference,
        tags: &[String],
        progress: &dyn Progress,
    ) -> Result<Pushed> {
        if let Some(named) = target.digest()
            && named != image.digest.to_string()
        {
            let reference = target.to_string();
            return Err(Error::OtherDigest { reference, digest: image.digest });
        }
        if image.manifest_bytes.len() as u64 > MAX_MANIFEST_SIZE {
            return Err(Error::Image(mlpack_oci::Error::DocumentTooLarge {
                what: "manifest",
                place: image.place.clone(),
                size: image.manifest_bytes.len() as u64,
                limit: MAX_MANIFEST_SIZE,
            }));
        }
        let exchange = self.exchange(target.registry()).await?;
        let scope = Scope::push(target.repository());
        let wanted = image.digest.to_string();
        // A manifest that is there has all its blobs.
        let whole = manifests::head(&exchange, &scope, &wanted).await? == Some(image.digest);
        let blobs = self.push_blobs(&exchange, &scope, image, target, whole, progress).await?;
        if !whole {
            self.put(&exchange, &scope, image, &wanted).await?;
        }
        let mut all = Vec::new();
        for tag in target.tag().into_iter().chain(tags.iter().map(String::as_str)) {
            if !all.contains(&tag) {
                all.push(tag);
            }
        }
        for tag in all {
            self.put(&exchange, &scope, image, tag).await?;
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
        exchange: &Exchange,
        scope: &Scope,
        image: &Image,
        target: &Reference,
        whole: bool,
        progress: &dyn Progress,
    ) -> Result<Vec<PushedBlob>> {
        let mut order: Vec<(usize, Blob)> = blobs(image).into_iter().enumerate().collect();
        // The biggest first: what is left at the end is short.
        order.sort_by_key(|(_, blob)| Reverse(blob.descriptor.size()));
        let parallel = self.inner.settings.max_parallel.max(1);
        let mut done: Vec<(usize, PushedBlob)> = stream::iter(order)
            .map(|(index, blob)| async move {
                let outcome = if whole {
                    self.learn(target, blob.digest);
                    BlobOutcome::Present
                } else {
                    self.push_blob(exchange, scope, image, target, &blob, progress).await?
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
        exchange: &Exchange,
        scope: &Scope,
        image: &Image,
        target: &Reference,
        blob: &Blob,
        progress: &dyn Progress,
    ) -> Result<BlobOutcome> {
        let name = format!("{} {}", blob.role, blob.digest.short());
        if is_foreign(&blob.descriptor) {
            progress.note(&format!("{name}: foreign, not pushed"));
            return Ok(BlobOutcome::Foreign);
        }
        if self.is_present(exchange, target, scope, blob.digest).await? {
            progress.note(&format!("{name}: present"));
            return Ok(BlobOutcome::Present);
        }
        let slot = self.inner.sessions.slot(target, blob.digest);
        let mut fresh = None;
        // A session exists only where mounting did not work before.
        if slot.load().is_none() {
            for from in self.mount_sources(image, target, blob.digest) {
                match self.mount(exchange, target, &from, blob.digest).await? {
                    Mount::Done => {
                        self.learn(target, blob.digest);
                        progress.note(&format!("{name}: mounted from {from}"));
                        return Ok(BlobOutcome::Mounted { from });
                    }
                    // The registry opened an upload instead.
                    Mount::Opened(response) => {
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
        let upload = Upload {
            client: self,
            exchange,
            scope,
            target,
            digest: blob.digest,
            descriptor: &blob.descriptor,
            source,
            slot,
            water: Arc::new(HighWater::new(meter.clone())),
            name: &name,
            progress,
        };
        let (resumed_at, sent) = upload.run(fresh).await?;
        self.learn(target, blob.digest);
        meter.finish(&match resumed_at {
            0 => "uploaded".to_owned(),
            at => format!("uploaded, resumed at {at}"),
        });
        Ok(BlobOutcome::Uploaded { resumed_at, sent })
    }

    /// Asks the registry to take a blob from another of its repositories (distribution-spec,
    /// "Mounting a blob from another repository"). Whatever it answers but 201 and 202 means that
    /// it does not, which is no error: the blob can be sent.
    async fn mount(
        &self,
        exchange: &Exchange,
        target: &Reference,
        from: &str,
        digest: Digest,
    ) -> Result<Mount> {
        let scope = Scope::push(target.repository()).and_pull_from(from);
        let mut url = exchange.endpoint().url(&format!("{}/blobs/uploads/", target.repository()));
        url.query_pairs_mut().append_pair("mount", &digest.to_string()).append_pair("from", from);
        let what = "mount a blob";
        let sent = exchange.send_again(|| Call::new(Method::POST, url.clone(), &scope, what)).await;
        match sent {
            Ok(response) if response.status() == StatusCode::CREATED => Ok(Mount::Done),
            Ok(response) if response.status() == StatusCode::ACCEPTED => {
                Ok(Mount::Opened(response))
            }
            Ok(_)
            | Err(
                Error::Denied { .. }
                | Error::LoginNeeded { .. }
                | Error::WrongCredentials { .. }
                | Error::TokenRefused { .. }
                | Error::Refused { .. },
            ) => Ok(Mount::Refused),
            Err(error) => Err(error),
        }
    }

    /// Puts the manifest and holds the registry to its digest.
    async fn put(
        &self,
        exchange: &Exchange,
        scope: &Scope,
        image: &Image,
        under: &str,
    ) -> Result<()> {
        let response = manifests::put(exchange, scope, image, under).await?;
        if response.status().is_success() {
            let found = manifests::content_digest(response.headers());
            return match found {
                Some(found) if found != image.digest => Err(Error::DigestMismatch {
                    what: "manifest",
                    place: format!("{}/{}", exchange.endpoint().name, scope.repository),
                    expected: image.digest,
                    found: found.to_string(),
                }),
                _ => Ok(()),
            };
        }
        let error = exchange.refusal(response, scope, "take the manifest").await;
        // Registries with fixed tags refuse even the image the tag already names.
        if under != image.digest.to_string()
            && let Error::Refused { registry, reply, .. } = &error
            && matches!(reply.status, 400 | 409)
        {
            return match manifests::head(exchange, scope, under).await? {
                Some(found) if found == image.digest => Ok(()),
                Some(_) => Err(Error::TagFixed {
                    registry: registry.clone(),
                    repository: scope.repository.clone(),
                    tag: under.to_owned(),
                    reply: reply.clone(),
                }),
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
