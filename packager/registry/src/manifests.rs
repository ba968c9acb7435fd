//! Manifests: resolve, fetch, verify, put.

use std::sync::Arc;

use mlpack_oci::spec::MediaType;
use mlpack_oci::{
    Artifact, Digest, Image, MAX_INDEXES, MAX_MANIFEST_SIZE, Platform, Reference, choose_platform,
};
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::{Method, Response, StatusCode};
use serde::Deserialize;

use crate::Client;
use crate::download::RegistryBlobs;
use crate::error::{ContentError, Error, Result};
use crate::scope::Scope;
use crate::transport::{Call, Payload, Transport};

/// Every media type of manifest that can be read. Without the index types a registry may refuse an index or
/// answer with the manifest of a platform of its choice.
const ACCEPT: &str = "application/vnd.oci.image.manifest.v1+json, \
     application/vnd.docker.distribution.manifest.v2+json, \
     application/vnd.oci.image.index.v1+json, \
     application/vnd.docker.distribution.manifest.list.v2+json";

/// For messages: what most requests are for.
const READ: &str = "read the manifest";

/// A manifest or index as the registry sent it.
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
    /// Reads an image: the manifest (of `platform`, if there is an index) and the config now, layers
    /// on demand. A reference with both tag and digest is read by its digest.
    ///
    /// # Errors
    /// The registry's refusal, a digest that does not match, or a document that is not an image.
    pub async fn image(&self, reference: &Reference, platform: &Platform) -> Result<Image> {
        let transport = self.transport(reference.registry()).await?;
        let scope = Scope::pull(reference.repository());
        let mut fetched = match reference.digest() {
            Some(digest) => {
                let digest = digest.parse::<Digest>().map_err(|error| Error::Setting {
                    setting: format!("reference `{reference}`"),
                    reason: error.to_string(),
                })?;
                self.manifest(&transport, &scope, digest).await?
            }
            None => {
                let tag = reference.tag().unwrap_or("latest");
                self.tagged(&transport, &scope, tag).await?
            }
        };
        let place = reference.to_string();
        let (mut indexes, mut left_out) = (0, Vec::new());
        while fetched.is_index {
            indexes += 1;
            if indexes > MAX_INDEXES {
                let reason = format!("the index refers to more than {MAX_INDEXES} others in a row");
                return Err(transport.protocol(READ, &reason));
            }
            let choice = choose_platform(&place, &fetched.bytes, platform)?;
            left_out.extend(choice.left_out);
            let digest = Digest::try_from(choice.chosen.digest())
                .map_err(|error| transport.protocol(READ, &error.to_string()))?;
            fetched = self.manifest(&transport, &scope, digest).await?;
        }
        let config = self.config(&transport, &scope, &place, &fetched.bytes).await?;
        let blobs = RegistryBlobs::new(self.clone(), reference);
        let image = Image::new(place, fetched.bytes, config, Arc::new(blobs))?;
        Ok(Image { left_out, ..image.serving(platform)? })
    }

    /// Returns the digest a reference resolves to now, by one request without a body.
    ///
    /// # Errors
    /// The registry's refusal.
    pub async fn resolve(&self, reference: &Reference) -> Result<Digest> {
        let transport = self.transport(reference.registry()).await?;
        let scope = Scope::pull(reference.repository());
        let wanted = reference.digest().or(reference.tag()).unwrap_or("latest");
        match head(&transport, &scope, wanted).await? {
            Some(digest) => Ok(digest),
            // No such image, or a registry that sends no digest: the body decides.
            None => Ok(Digest::of(&self.fetch(&transport, &scope, wanted).await?.0)),
        }
    }

    /// Fetches the manifest of a reference; an index is an error.
    pub(crate) async fn manifest_of(
        &self,
        transport: &Transport,
        scope: &Scope,
        reference: &Reference,
    ) -> Result<Vec<u8>> {
        let fetched = match reference.digest().map(str::parse::<Digest>) {
            Some(Ok(digest)) => self.manifest(transport, scope, digest).await?,
            _ => self.tagged(transport, scope, reference.tag().unwrap_or("latest")).await?,
        };
        match fetched.is_index {
            true => Err(transport.protocol(READ, "it is an index, not a manifest")),
            false => Ok(fetched.bytes),
        }
    }

    /// Fetches a manifest by tag and caches it by its digest.
    async fn tagged(&self, transport: &Transport, scope: &Scope, tag: &str) -> Result<Fetched> {
        let (bytes, content_type) = self.fetch(transport, scope, tag).await?;
        let fetched = classify(transport, bytes, content_type.as_deref())?;
        self.inner.manifests.put(Digest::of(&fetched.bytes), &fetched.bytes);
        Ok(fetched)
    }

    /// Returns a manifest by digest, from the cache if possible.
    async fn manifest(
        &self,
        transport: &Transport,
        scope: &Scope,
        digest: Digest,
    ) -> Result<Fetched> {
        if let Some(bytes) = self.inner.manifests.get(digest) {
            return classify(transport, bytes, None);
        }
        let (bytes, content_type) = self.fetch(transport, scope, &digest.to_string()).await?;
        let found = Digest::of(&bytes);
        if found != digest {
            return Err(ContentError::DigestMismatch {
                what: "manifest",
                place: format!("{}/{}", transport.endpoint().name, scope.repository),
                expected: digest,
                found: found.to_string(),
            }
            .into());
        }
        let fetched = classify(transport, bytes, content_type.as_deref())?;
        self.inner.manifests.put(digest, &fetched.bytes);
        Ok(fetched)
    }

    async fn fetch(
        &self,
        transport: &Transport,
        scope: &Scope,
        wanted: &str,
    ) -> Result<(Vec<u8>, Option<String>)> {
        let url = transport.endpoint().url(&format!("{}/manifests/{wanted}", scope.repository));
        let call = || Call::new(Method::GET, url.clone(), scope, READ).header("accept", ACCEPT);
        transport
            .retry(|| async {
                let response = transport.get(call()).await?;
                if !response.status().is_success() {
                    return Err(missing(transport, response, scope, wanted).await);
                }
                let content_type = response.headers().get(CONTENT_TYPE);
                let content_type =
                    content_type.and_then(|value| value.to_str().ok()).map(str::to_owned);
                let bytes = transport.body(response, "manifest", MAX_MANIFEST_SIZE).await?;
                Ok((bytes, content_type))
            })
            .await
    }

    /// Returns the config a manifest names.
    pub(crate) async fn config(
        &self,
        transport: &Transport,
        scope: &Scope,
        place: &str,
        manifest: &[u8],
    ) -> Result<Vec<u8>> {
        #[derive(Deserialize)]
        struct Manifest {
            config: mlpack_oci::spec::Descriptor,
        }
        let manifest: Manifest = serde_json::from_slice(manifest)
            .map_err(|error| transport.protocol(READ, &error.to_string()))?;
        let digest = Digest::try_from(manifest.config.digest())
            .map_err(|error| transport.protocol(READ, &error.to_string()))?;
        if let Some(bytes) = self.inner.manifests.get(digest) {
            return Ok(bytes);
        }
        let action = "read the config";
        let url = transport.endpoint().url(&format!("{}/blobs/{digest}", scope.repository));
        let bytes = transport
            .retry(|| async {
                let call = Call::new(Method::GET, url.clone(), scope, action);
                let response = transport.get(call).await?;
                if response.status() == StatusCode::NOT_FOUND {
                    return Err(ContentError::BlobMissing {
                        registry: transport.endpoint().name.clone(),
                        repository: scope.repository.clone(),
                        digest,
                    }
                    .into());
                }
                if !response.status().is_success() {
                    return Err(transport.refusal(response, scope, action).await);
                }
                transport.body(response, "config", MAX_MANIFEST_SIZE).await
            })
            .await?;
        let found = Digest::of(&bytes);
        if found != digest {
            return Err(ContentError::DigestMismatch {
                what: "config",
                place: place.to_owned(),
                expected: digest,
                found: found.to_string(),
            }
            .into());
        }
        self.inner.manifests.put(digest, &bytes);
        Ok(bytes)
    }
}

/// Determines what kind of document it is, and compares its media type with the registry's: a
/// document that can be read as two kinds is an attack (CVE-2021-41190).
fn classify(transport: &Transport, bytes: Vec<u8>, content_type: Option<&str>) -> Result<Fetched> {
    let shape: Shape = serde_json::from_slice(&bytes)
        .map_err(|error| transport.protocol(READ, &error.to_string()))?;
    let bare = content_type.map(|text| text.split(';').next().unwrap_or(text).trim());
    if let (Some(own), Some(sent)) = (&shape.media_type, bare)
        && own != sent
        && sent.contains("manifest") | sent.contains("index")
    {
        let reason = format!("the content type is `{sent}` but the manifest says `{own}`");
        return Err(transport.protocol(READ, &reason));
    }
    if shape.schema_version == Some(1) {
        let reason = "the manifest has Docker's schema 1, which is not supported: push the image again with a newer client";
        return Err(transport.protocol(READ, reason));
    }
    if shape.manifests.is_some() && shape.layers.is_some() {
        return Err(transport.protocol(READ, "the document is both manifest and index"));
    }
    let is_index = match shape.media_type.as_deref().or(bare) {
        Some(name) => mlpack_oci::is_index(&MediaType::from(name)),
        None => shape.manifests.is_some(),
    };
    Ok(Fetched { is_index: is_index || shape.manifests.is_some(), bytes })
}

/// Returns the digest of a manifest; `None` if it does not exist or the registry names no digest.
pub(crate) async fn head(
    transport: &Transport,
    scope: &Scope,
    wanted: &str,
) -> Result<Option<Digest>> {
    let action = "check for the manifest";
    let url = transport.endpoint().url(&format!("{}/manifests/{wanted}", scope.repository));
    let response = transport
        .send_with_retry(|| {
            Call::new(Method::HEAD, url.clone(), scope, action).header("accept", ACCEPT)
        })
        .await?;
    match response.status() {
        status if status.is_success() => Ok(content_digest(response.headers())),
        // The answer to a HEAD has no reason. A missing repository is not an error here, and a
        // missing permission is reported by the next request.
        StatusCode::NOT_FOUND | StatusCode::FORBIDDEN => Ok(None),
        _ => Err(transport.refusal(response, scope, action).await),
    }
}

/// Puts a manifest under a tag or its digest.
pub(crate) async fn put(
    transport: &Transport,
    scope: &Scope,
    artifact: &Artifact,
    under: &str,
) -> Result<Response> {
    let action = format!("push the manifest as `{under}`");
    let url = transport.endpoint().url(&format!("{}/manifests/{under}", scope.repository));
    let media_type = artifact.descriptor.media_type().to_string();
    let bytes = bytes::Bytes::copy_from_slice(&artifact.manifest_bytes);
    transport
        .send_with_retry(|| {
            Call::new(Method::PUT, url.clone(), scope, &action)
                .header("content-type", &media_type)
                .payload(Payload::Bytes(bytes.clone()))
        })
        .await
}

/// Parses `Docker-Content-Digest`.
pub(crate) fn content_digest(headers: &HeaderMap) -> Option<Digest> {
    headers.get("docker-content-digest")?.to_str().ok()?.parse().ok()
}

async fn missing(transport: &Transport, response: Response, scope: &Scope, wanted: &str) -> Error {
    let error = transport.refusal(response, scope, READ).await;
    match error {
        Error::Refused { registry, reply, .. } if reply.status == 404 => {
            let (repository, wanted) = (scope.repository.clone(), wanted.to_owned());
            ContentError::ImageMissing { registry, repository, wanted, reply }.into()
        }
        other => other,
    }
}
