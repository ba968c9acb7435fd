//! Writes a plan's layers and puts the new image together.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use mlpack_install::Installation;
use mlpack_oci::layer::{Compression, LayerOptions, Tree, WrittenLayer, write_layer};
use mlpack_oci::spec::{
    Descriptor, HistoryBuilder, ImageManifestBuilder, MediaType, RootFsBuilder,
};
use mlpack_oci::{BlobReader, BlobStore, Blobs, Digest, Image, Origin, Progress, descriptor};
use serde::Serialize;

use super::layer_cache::{Kind, KnownLayer};
use super::model_layers::{ModelKey, Unwritten};
use super::plan::LayerContent;
use super::{Base, LayerCache, LayerRecord, Plan, PlannedLayer, Role, config, environment_layers};
use crate::{Error, Result};

/// Where a base is named in a manifest (image-spec annotations.md).
const BASE_NAME: &str = "org.opencontainers.image.base.name";
const BASE_DIGEST: &str = "org.opencontainers.image.base.digest";

/// Lays the plan's layers over the base. New layers go into `stage`, but for the environment's,
/// which stay in the cache; the base's are not read.
///
/// # Errors
/// Of `environment`, which lays the packages if a layer of them is missing, and of writing.
pub fn assemble(
    plan: Plan,
    base: &Base,
    stage: &BlobStore,
    cache: &LayerCache,
    threads: usize,
    environment: &mut dyn FnMut() -> Result<Installation>,
    progress: &dyn Progress,
) -> Result<Image> {
    let policy = LayerOptions { mtime: plan.mtime, threads };
    let mut written = Vec::new();
    let mut record = plan.record;
    let mut models = record.models.iter_mut();
    let mut unwritten = Unwritten::new(policy);
    for PlannedLayer { role, title, compression, content } in plan.layers {
        let done = match content {
            LayerContent::Environment(layers) => {
                environment_layers::write(layers, base, policy, cache, environment, progress)?
                    .into_iter()
                    .map(|(title, layer)| (Some(title), layer))
                    .collect()
            }
            LayerContent::Tree(tree) => {
                let name = match &title {
                    Some(title) => format!("{} {title}", role.name()),
                    None => role.name().to_owned(),
                };
                let key = match role {
                    Role::Model => ModelKey::of(&tree, compression, policy).ok(),
                    _ => None,
                };
                let known = key.as_ref().and_then(|key| cache.model(key));
                let layer = match known {
                    Some(layer) => {
                        progress.note(&format!("{name}: unchanged since it was hashed"));
                        unwritten.add(&layer, tree, compression);
                        layer
                    }
                    None => write(&name, &tree, compression, policy, stage, progress)?,
                };
                if let Some(key) = key {
                    cache.put(Kind::Model, &key.key, &KnownLayer::new(name, &layer))?;
                }
                vec![(title, layer)]
            }
        };
        for (title, done) in done {
            if role == Role::Model
                && let Some(model) = models.next()
            {
                model.digest = done.diff_id;
            }
            record.layers.push(LayerRecord { role, title, diff_id: done.diff_id });
            written.push(done);
        }
    }

    let image = &base.image;
    let mut image_config = image.config.clone();
    let new_config = config::config(
        image.config.config().as_ref(),
        &base.facts,
        &plan.steps,
        &plan.variables,
        &record,
    );
    image_config.set_config(Some(new_config));
    let mut diff_ids = image.config.rootfs().diff_ids().clone();
    diff_ids.extend(written.iter().map(|layer| layer.diff_id.to_string()));
    let rootfs = RootFsBuilder::default().typ("layers").diff_ids(diff_ids).build();
    image_config.set_rootfs(rootfs.map_err(|error| document("config", &error))?);
    let created = timestamp(plan.mtime);
    let mut history = image.config.history().clone().unwrap_or_default();
    // One entry per layer, or readers give ours to the base's layers (docs/pitfalls.md#18).
    let told = history.iter().filter(|entry| entry.empty_layer() != Some(true)).count();
    for _ in told..image.layers.len() {
        let entry = HistoryBuilder::default().created_by("layer of the base image").build();
        history.push(entry.map_err(|error| document("config", &error))?);
    }
    for layer in &record.layers {
        let title = layer.title.as_deref().map(|title| format!(" {title}")).unwrap_or_default();
        let entry = HistoryBuilder::default()
            .created(created.clone())
            .created_by(format!("mlpack package: {}{title}", layer.role.name()))
            .build();
        history.push(entry.map_err(|error| document("config", &error))?);
    }
    image_config.set_history(Some(history));
    image_config.set_created(Some(created));
    let config_bytes = canonical(&image_config)?;

    let mut layers: Vec<Descriptor> = image.manifest.layers().iter().map(oci_layer).collect();
    layers.extend(written.iter().map(|layer| layer.descriptor.clone()));
    let mut annotations = HashMap::from([(BASE_DIGEST.to_owned(), image.digest.to_string())]);
    if let Some(name) = &base.name {
        annotations.insert(BASE_NAME.to_owned(), name.clone());
    }
    let config_digest = stage.put(&config_bytes)?;
    let manifest = ImageManifestBuilder::default()
        .schema_version(2u32)
        .media_type(MediaType::ImageManifest)
        .config(descriptor(MediaType::ImageConfig, config_digest, config_bytes.len() as u64))
        .layers(layers)
        .annotations(annotations)
        .build()
        .map_err(|error| document("manifest", &error))?;
    let blobs = Arc::new(Assembled {
        unwritten,
        new: written.iter().map(|layer| layer.digest).chain([config_digest]).collect(),
        stage: stage.clone(),
        cache: cache.store().clone(),
        base: Arc::clone(&image.blobs),
    });
    Ok(Image::new("the new image", canonical(&manifest)?, config_bytes, blobs)?)
}

fn write(
    name: &str,
    tree: &Tree,
    compression: Compression,
    policy: LayerOptions,
    store: &BlobStore,
    progress: &dyn Progress,
) -> Result<WrittenLayer> {
    let meter = progress.begin(&format!("write {name}"), Some(tree.size()));
    let done = write_layer(tree, compression, policy, store, &*meter)?;
    let how = if done.descriptor.media_type() == &MediaType::ImageLayer {
        "stored as it is"
    } else {
        "compressed"
    };
    meter.finish(how);
    Ok(done)
}

/// A base's layer in a manifest of the OCI: the same blob under the OCI's name for it (docs/pitfalls.md#23).
fn oci_layer(layer: &Descriptor) -> Descriptor {
    let mut layer = layer.clone();
    let media_type = match layer.media_type().to_string().as_str() {
        "application/vnd.docker.image.rootfs.diff.tar.gzip" => MediaType::ImageLayerGzip,
        "application/vnd.docker.image.rootfs.diff.tar" => MediaType::ImageLayer,
        "application/vnd.docker.image.rootfs.diff.tar.zstd" => MediaType::ImageLayerZstd,
        _ => return layer,
    };
    layer.set_media_type(media_type);
    layer
}

/// JSON with sorted keys: the types hold hash maps, whose order is chance.
fn canonical(value: &impl Serialize) -> Result<Vec<u8>> {
    let value = serde_json::to_value(value).map_err(|error| document("manifest", &error))?;
    serde_json::to_vec(&sorted(value)).map_err(|error| document("manifest", &error))
}

fn sorted(value: serde_json::Value) -> serde_json::Value {
    match value {
        serde_json::Value::Object(map) => {
            let mut entries: Vec<_> = map.into_iter().collect();
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            entries.into_iter().map(|(key, value)| (key, sorted(value))).collect()
        }
        serde_json::Value::Array(list) => list.into_iter().map(sorted).collect(),
        other => other,
    }
}

fn document(what: &'static str, error: &dyn std::fmt::Display) -> Error {
    Error::Data { what, name: "the new image".to_owned(), reason: error.to_string() }
}

/// Seconds since 1970 as RFC 3339.
fn timestamp(seconds: u64) -> String {
    jiff::Timestamp::from_second(i64::try_from(seconds).unwrap_or(0))
        .map_or_else(|_| "1970-01-01T00:00:00Z".to_owned(), |time| time.to_string())
}

/// New blobs from stage and cache, the base's from wherever the base is.
struct Assembled {
    unwritten: Unwritten,
    new: HashSet<Digest>,
    stage: BlobStore,
    cache: BlobStore,
    base: Arc<dyn Blobs>,
}

impl Assembled {
    fn own(&self, digest: &Digest) -> Option<&BlobStore> {
        if self.unwritten.holds(digest) {
            return None;
        }
        let of = |store: &&BlobStore| store.size(digest).is_some();
        // What the cache has was looked at; the stage may be a layout with blobs from before.
        self.new.contains(digest).then(|| [&self.cache, &self.stage].into_iter().find(of))?
    }
}

impl Blobs for Assembled {
    fn open_at(&self, descriptor: &Descriptor, offset: u64) -> mlpack_oci::Result<BlobReader> {
        let digest = Digest::try_from(descriptor.digest()).ok();
        if let Some(digest) = &digest {
            self.unwritten.write(digest, &self.stage).map_err(|error| match error {
                Error::Image(error) => error,
                other => mlpack_oci::Error::Pack {
                    path: descriptor.digest().to_string(),
                    source: std::io::Error::other(other),
                },
            })?;
        }
        match digest.and_then(|digest| self.own(&digest)) {
            Some(store) => store.open_at(descriptor, offset),
            None => self.base.open_at(descriptor, offset),
        }
    }

    fn file(&self, digest: &Digest) -> Option<PathBuf> {
        self.own(digest).map_or_else(|| self.base.file(digest), |store| store.file(digest))
    }

    fn is_trusted(&self, digest: &Digest) -> bool {
        // This command wrote it, or hashed it when it took it from the cache.
        if self.new.contains(digest) {
            return self.own(digest).is_some();
        }
        self.base.is_trusted(digest)
    }

    fn origin(&self, digest: &Digest) -> Option<Origin> {
        if self.new.contains(digest) { None } else { self.base.origin(digest) }
    }
}
