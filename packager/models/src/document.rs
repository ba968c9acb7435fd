//! The manifests and configs of a workspace: ModelPack artifacts, images of a model alone, claims and deletions
//! (docs/models.md).

use std::sync::Arc;

use mlpack_oci::layer::WrittenLayer;
use mlpack_oci::spec::{Descriptor, MediaType};
use mlpack_oci::{Artifact, BlobStore, DiffId, Digest, Image, descriptor};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::registered::RegisteredModel;
use crate::{Error, ModelRecord, Result};

/// Version of the fields below our prefix.
pub(crate) const FORMAT: u32 = 1;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const MODEL: &str = "application/vnd.cncf.model.manifest.v1+json";
const MODEL_CONFIG: &str = "application/vnd.cncf.model.config.v1+json";
const WEIGHT: &str = "application/vnd.cncf.model.weight.v1.tar";
const IMAGE_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const EMPTY: &str = "application/vnd.oci.empty.v1+json";
const CLAIM: &str = "application/vnd.mlpack.model.claim.v1+json";
const DELETED: &str = "application/vnd.mlpack.model.deleted.v1+json";

/// Our own field of the config.
const OWN: &str = "io.mlpack.model";

/// What a tag of a version names.
pub(crate) enum Version {
    /// A model.
    Model(Box<RegisteredModel>),
    /// A number whose model is being registered, since a moment in RFC 3339.
    Claimed { since: String },
    /// A number whose model was deleted.
    Deleted,
}

/// Returns the artifact of a model. `blobs` has its layer; config and manifest are added.
pub(crate) fn model(
    record: &ModelRecord,
    layer: &WrittenLayer,
    blobs: &BlobStore,
) -> Result<Artifact> {
    let config = json!({
        "config": {},
        "descriptor": {
            "createdAt": record.created_time,
            "description": record.description,
            "name": record.name,
            "version": record.version.to_string(),
        },
        "modelfs": { "diffIds": [layer.diff_id], "type": "layers" },
        OWN: { "format": FORMAT, "record": record },
    });
    let suffix = if is_gzip(&layer.descriptor) { "+gzip" } else { "" };
    let path = format!("{}/{}", record.folder(), record.entry);
    let layers = json!([{
        "annotations": { "org.cncf.model.filepath": path },
        "digest": layer.digest,
        "mediaType": format!("{WEIGHT}{suffix}"),
        "size": layer.descriptor.size(),
    }]);
    let mut annotations = json!({
        "org.opencontainers.image.created": record.created_time,
        "org.opencontainers.image.title": record.name,
        "org.opencontainers.image.version": record.version.to_string(),
        format!("{OWN}.format"): FORMAT.to_string(),
    });
    if let Some(description) = &record.description {
        annotations["org.opencontainers.image.description"] = json!(description);
    }
    assemble(Some(MODEL), (MODEL_CONFIG, &config), &layers, &annotations, blobs)
}

/// Returns an image that has a model's layer and nothing else, for image volumes of Kubernetes and model cars of KServe.
pub(crate) fn image(
    record: &ModelRecord,
    layer: &WrittenLayer,
    blobs: &BlobStore,
) -> Result<Artifact> {
    let (config, layers, annotations) = image_parts(record, layer);
    assemble(None, (IMAGE_CONFIG, &config), &layers, &annotations, blobs)
}

/// Returns what holds a number while its model is being registered. `nonce` makes it unlike all others.
pub(crate) fn claim(name: &str, now: &str, nonce: &str, blobs: &BlobStore) -> Result<Artifact> {
    let annotations = json!({
        "org.opencontainers.image.created": now,
        "org.opencontainers.image.title": name,
        format!("{OWN}.claim"): nonce,
    });
    assemble(Some(CLAIM), (EMPTY, &json!({})), &json!([]), &annotations, blobs)
}

/// Returns what holds the number of a deleted model, so that it is never used again.
pub(crate) fn deleted(name: &str, now: &str, blobs: &BlobStore) -> Result<Artifact> {
    let annotations =
        json!({ "org.opencontainers.image.created": now, "org.opencontainers.image.title": name });
    assemble(Some(DELETED), (EMPTY, &json!({})), &json!([]), &annotations, blobs)
}

fn assemble(
    kind: Option<&str>,
    config: (&str, &Value),
    layers: &Value,
    annotations: &Value,
    blobs: &BlobStore,
) -> Result<Artifact> {
    let (manifest, config) = documents(kind, config, layers, annotations);
    blobs.put(&config)?;
    Ok(Artifact::new("the workspace", manifest, config, Arc::new(blobs.clone()))?)
}

/// Returns the bytes of a manifest and its config.
fn documents(
    kind: Option<&str>,
    (config_type, config): (&str, &Value),
    layers: &Value,
    annotations: &Value,
) -> (Vec<u8>, Vec<u8>) {
    let config = config.to_string().into_bytes();
    let digest = Digest::of(&config);
    let mut manifest = json!({ "schemaVersion": 2, "mediaType": MANIFEST });
    if let Some(kind) = kind {
        manifest["artifactType"] = json!(kind);
    }
    manifest["config"] =
        json!({ "mediaType": config_type, "digest": digest, "size": config.len() });
    manifest["layers"] = layers.clone();
    manifest["annotations"] = annotations.clone();
    (manifest.to_string().into_bytes(), config)
}

/// Returns a registered model as an image that has its layer and nothing else.
///
/// # Errors
/// If the layer's descriptor is not valid.
pub fn image_of(model: &RegisteredModel) -> Result<Image> {
    let (config, layers, annotations) = image_parts(&model.record, &model.layer);
    let (manifest, config) = documents(None, (IMAGE_CONFIG, &config), &layers, &annotations);
    Ok(Image::new(model.record.id(), manifest, config, Arc::clone(&model.blobs))?)
}

fn image_parts(record: &ModelRecord, layer: &WrittenLayer) -> (Value, Value, Value) {
    let config = json!({
        "architecture": "amd64",
        "config": {},
        "created": record.created_time,
        "os": "linux",
        "rootfs": { "diff_ids": [layer.diff_id], "type": "layers" },
    });
    let annotations = json!({ "org.opencontainers.image.title": record.id() });
    (config, json!([layer.descriptor]), annotations)
}

#[derive(Deserialize)]
struct Config {
    modelfs: ModelFs,
    #[serde(rename = "io.mlpack.model")]
    own: Own,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ModelFs {
    diff_ids: Vec<DiffId>,
}

#[derive(Deserialize)]
struct Own {
    format: u32,
    record: Value,
}

/// Reads what a tag of a version names.
///
/// # Errors
/// [`Error::NewerFormat`], or [`Error::NotAModel`] for an artifact of other tools.
pub(crate) fn parse(artifact: &Artifact) -> Result<Version> {
    let place = artifact.place.clone();
    let kind = artifact.manifest.artifact_type().as_ref().map(ToString::to_string);
    let created = || {
        let annotations = artifact.manifest.annotations().clone().unwrap_or_default();
        annotations.get("org.opencontainers.image.created").cloned().unwrap_or_default()
    };
    match kind.as_deref() {
        Some(MODEL) => {}
        Some(CLAIM) => return Ok(Version::Claimed { since: created() }),
        Some(DELETED) => return Ok(Version::Deleted),
        other => {
            let reason = format!("its artifact type is `{}`", other.unwrap_or("none"));
            return Err(Error::NotAModel { place, reason });
        }
    }
    let not = |reason: &dyn std::fmt::Display| Error::NotAModel {
        place: place.clone(),
        reason: reason.to_string(),
    };
    let config: Config =
        serde_json::from_slice(&artifact.config_bytes).map_err(|error| not(&error))?;
    if config.own.format > FORMAT {
        return Err(Error::NewerFormat { place, found: config.own.format, supported: FORMAT });
    }
    let record: ModelRecord =
        serde_json::from_value(config.own.record).map_err(|error| not(&error))?;
    let mut layers = artifact.layers();
    let (Some((digest, layer)), None, [diff_id]) =
        (layers.next(), layers.next(), &config.modelfs.diff_ids[..])
    else {
        return Err(not(&"it does not have exactly one layer"));
    };
    let layer = WrittenLayer { descriptor: layer_of(layer, digest), digest, diff_id: *diff_id };
    let blobs = Arc::clone(&artifact.blobs);
    Ok(Version::Model(Box::new(RegisteredModel { record, digest: artifact.digest, layer, blobs })))
}

/// Returns the descriptor that an image has for the layer.
fn layer_of(layer: &Descriptor, digest: Digest) -> Descriptor {
    let media_type = match is_gzip(layer) {
        true => MediaType::ImageLayerGzip,
        false => MediaType::ImageLayer,
    };
    descriptor(media_type, digest, layer.size())
}

fn is_gzip(layer: &Descriptor) -> bool {
    layer.media_type().to_string().ends_with("gzip")
}
