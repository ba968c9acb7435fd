//! Manifests: resolved, fetched, verified, put.

use std::sync::Arc;

use mlpack_oci::spec::MediaType;
use mlpack_oci::{Digest, Image, MAX_MANIFEST_SIZE, Platform, Reference, choose_platform};
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::{Method, Response, StatusCode};
use serde::Deserialize;

use crate::auth::Scope;
use crate::download::RegistryBlobs;
use crate::exchange::{Call, Exchange, Payload};
use crate::{Client, Error, Result};

/// Every form of manifest that is read. Without the index types a registry may refuse an index or
/// answer with the manifest of a platform of its choice.
const ACCEPT: &str = "application/vnd.oci.image.manifest.v1+json, \
     application/vnd.docker.distribution.manifest.v2+json, \
     application/vnd.oci.image.index.v1+json, \
     application/vnd.docker.distribution.manifest.list.v2+json";

/// A manifest or index as it came.
struct Fetched {
    bytes: Vec<u8>,
    is_index: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Shape {
    schema_version: Option<u64>,
    media_type: Option<String>,
    manifests: Option<serde::de::IgnoredAny>,
    layers: Option<serde::de::IgnoredAny>,
}

impl Client {
    /// Reads an image: manifest (an index leads to `platform`'s) and config now, layers when
    /// somebody reads them. A reference with both tag and digest is read by its digest.
    ///
    /// # Errors
    /// The registry's refusal, a digest that does not fit, or a document that is not an image.
    pub async fn image(&self, reference: &Reference, platform: &Platform) -> Result<Image> {
        let exchange = self.exchange(reference.registry()).await?;
        let scope = Scope::pull(reference.repository());
        let mut fetched = match reference.digest() {
            Some(digest) => {
                let digest = digest
                    .parse::<Digest>()
                    .map_err(|error| exchange.protocol("the reference", &error.to_string()))?;
                self.manifest(&exchange, &scope, digest).await?
            }
            None => {
                let tag = reference.tag().unwrap_or("latest");
                self.tagged(&exchange, &scope, tag).await?
            }
        };
        let place = reference.to_string();
        if fetched.is_index {
            let chosen = choose_platform(&place, &fetched.bytes, platform)?;
            let digest = Digest::try_from(chosen.digest())
                .map_err(|error| exchange.protocol("the index", &error.to_string()))?;
            fetched = self.manifest(&exchange, &scope, digest).await?;
            if fetched.is_index {
                return Err(exchange.protocol("the index", "it leads to another index"));
            }
        }
        let config = self.config(&exchange, &scope, &place, &fetched.bytes).await?;
        let blobs = RegistryBlobs::new(self.clone(), reference);
        let image = Image::new(place, fetched.bytes, config, Arc::new(blobs))?;
        Ok(image.serving(platform)?)
    }

    /// The digest a reference leads to now, by one request without a body.
    ///
    /// # Errors
    /// The registry's refusal.
    pub async fn resolve(&self, reference: &Reference) -> Result<Digest> {
        let exchange = self.exchange(reference.registry()).await?;
        let scope = Scope::pull(reference.repository());
        let wanted = reference.digest().or(reference.tag()).unwrap_or("latest");
        match head(&exchange, &scope, wanted).await? {
            Some(digest) => Ok(digest),
            // No such image, or a registry that sends no digest: only the body tells.
            None => Ok(Digest::of(&self.fetch(&exchange, &scope, wanted).await?.0)),
        }
    }

    /// A manifest by tag; whatever digest it has is noted.
    async fn tagged(&self, exchange: &Exchange, scope: &Scope, tag: &str) -> Result<Fetched> {
        let (bytes, content_type) = self.fetch(exchange, scope, tag).await?;
        let fetched = look(exchange, bytes, content_type.as_deref())?;
        self.inner.documents.put(Digest::of(&fetched.bytes), &fetched.bytes);
        Ok(fetched)
    }

    /// A manifest by digest, from the cache if it is there.
    async fn manifest(
        &self,
        exchange: &Exchange,
        scope: &Scope,
        digest: Digest,
    ) -> Result<Fetched> {
        if let Some(bytes) = self.inner.documents.get(digest) {
            return look(exchange, bytes, None);
        }
        let (bytes, content_type) = self.fetch(exchange, scope, &digest.to_string()).await?;
        let found = Digest::of(&bytes);
        if found != digest {
            return Err(Error::DigestMismatch {
                what: "manifest",
                place: format!("{}/{}", exchange.endpoint().name, scope.repository),
                expected: digest,
                found: found.to_string(),
            });
        }
        let fetched = look(exchange, bytes, content_type.as_deref())?;
        self.inner.documents.put(digest, &fetched.bytes);
        Ok(fetched)
    }

    async fn fetch(
        &self,
        exchange: &Exchange,
        scope: &Scope,
        wanted: &str,
    ) -> Result<(Vec<u8>, Option<String>)> {
        let what = "read the manifest";
        let url = exchange.endpoint().url(&format!("{}/manifests/{wanted}", scope.repository));
        let call = || Call::new(Method::GET, url.clone(), scope, what).header("accept", ACCEPT);
        exchange
            .retry(|| async {
                let response = exchange.get(call()).await?;
                if !response.status().is_success() {
                    return Err(missing(exchange, response, scope, wanted).await);
                }
                let content_type = response.headers().get(CONTENT_TYPE);
                let content_type =
                    content_type.and_then(|value| value.to_str().ok()).map(str::to_owned);
                let bytes = exchange.body(response, "manifest", MAX_MANIFEST_SIZE).await?;
                Ok((bytes, content_type))
            })
            .await
    }

    /// The config a manifest names.
    async fn config(
        &self,
        exchange: &Exchange,
        scope: &Scope,
        place: &str,
        manifest: &[u8],
    ) -> Result<Vec<u8>> {
        #[derive(Deserialize)]
        struct Manifest {
            config: mlpack_oci::spec::Descriptor,
        }
        let manifest: Manifest = serde_json::from_slice(manifest)
            .map_err(|error| exchange.protocol("the manifest", &error.to_string()))?;
        let digest = Digest::try_from(manifest.config.digest())
            .map_err(|error| exchange.protocol("the manifest", &error.to_string()))?;
        if let Some(bytes) = self.inner.documents.get(digest) {
            return Ok(bytes);
        }
        let what = "read the config";
        let url = exchange.endpoint().url(&format!("{}/blobs/{digest}", scope.repository));
        let bytes = exchange
            .retry(|| async {
                let call = Call::new(Method::GET, url.clone(), scope, what);
                let response = exchange.get(call).await?;
                if response.status() == StatusCode::NOT_FOUND {
                    return Err(Error::BlobMissing {
                        registry: exchange.endpoint().name.clone(),
                        repository: scope.repository.clone(),
                        digest,
                    });
                }
                if !response.status().is_success() {
                    return Err(exchange.refusal(response, scope, what).await);
                }
                exchange.body(response, "config", MAX_MANIFEST_SIZE).await
            })
            .await?;
        let found = Digest::of(&bytes);
        if found != digest {
            return Err(Error::DigestMismatch {
                what: "config",
                place: place.to_owned(),
                expected: digest,
                found: found.to_string(),
            });
        }
        self.inner.documents.put(digest, &bytes);
        Ok(bytes)
    }
}

/// Reads what kind of document it is, and holds its own word to the registry's: a document that is
/// read as two things is an attack (CVE-2021-41190).
fn look(exchange: &Exchange, bytes: Vec<u8>, content_type: Option<&str>) -> Result<Fetched> {
    let what = "the request for a manifest";
    let shape: Shape = serde_json::from_slice(&bytes)
        .map_err(|error| exchange.protocol(what, &error.to_string()))?;
    let bare = content_type.map(|text| text.split(';').next().unwrap_or(text).trim());
    if let (Some(own), Some(sent)) = (&shape.media_type, bare)
        && own != sent
        && sent.contains("manifest") | sent.contains("index")
    {
        let reason = format!("it is sent as `{sent}` but says it is `{own}`");
        return Err(exchange.protocol(what, &reason));
    }
    if shape.schema_version == Some(1) {
        let reason = "it has Docker's schema 1, which is no longer read: push the image again with a newer client";
        return Err(exchange.protocol(what, reason));
    }
    if shape.manifests.is_some() && shape.layers.is_some() {
        return Err(exchange.protocol(what, "it is manifest and index at once"));
    }
    let is_index = match shape.media_type.as_deref().or(bare) {
        Some(name) => mlpack_oci::is_index(&MediaType::from(name)),
        None => shape.manifests.is_some(),
    };
    Ok(Fetched { is_index: is_index || shape.manifests.is_some(), bytes })
}

/// `None` if it is not there, or the registry names no digest.
pub(crate) async fn head(
    exchange: &Exchange,
    scope: &Scope,
    wanted: &str,
) -> Result<Option<Digest>> {
    let what = "look for the manifest";
    let url = exchange.endpoint().url(&format!("{}/manifests/{wanted}", scope.repository));
    let response = exchange
        .send_again(|| Call::new(Method::HEAD, url.clone(), scope, what).header("accept", ACCEPT))
        .await?;
    match response.status() {
        status if status.is_success() => Ok(content_digest(response.headers())),
        // A HEAD carries no reason (containerd asks again too); a missing repository is no error
        // here, and a missing right will be said by the next request.
        StatusCode::NOT_FOUND | StatusCode::FORBIDDEN => Ok(None),
        _ => Err(exchange.refusal(response, scope, what).await),
    }
}

/// Puts a manifest under a tag or its digest.
pub(crate) async fn put(
    exchange: &Exchange,
    scope: &Scope,
    image: &Image,
    under: &str,
) -> Result<Response> {
    let what = format!("take the manifest as `{under}`");
    let url = exchange.endpoint().url(&format!("{}/manifests/{under}", scope.repository));
    let media_type = image.descriptor.media_type().to_string();
    let bytes = bytes::Bytes::copy_from_slice(&image.manifest_bytes);
    exchange
        .send_again(|| {
            Call::new(Method::PUT, url.clone(), scope, &what)
                .header("content-type", &media_type)
                .payload(Payload::Bytes(bytes.clone()))
        })
        .await
}

/// `Docker-Content-Digest`.
pub(crate) fn content_digest(headers: &HeaderMap) -> Option<Digest> {
    headers.get("docker-content-digest")?.to_str().ok()?.parse().ok()
}

async fn missing(exchange: &Exchange, response: Response, scope: &Scope, wanted: &str) -> Error {
    let error = exchange.refusal(response, scope, "read the manifest").await;
    match error {
        Error::Refused { registry, reply, .. } if reply.status == 404 => Error::ImageMissing {
            registry,
            repository: scope.repository.clone(),
            wanted: wanted.to_owned(),
            reply,
        },
        other => other,
    }
}
