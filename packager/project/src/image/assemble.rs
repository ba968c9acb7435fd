//! Writes a plan's layers and assembles the new image.

use std::collections::HashMap;
use std::sync::Arc;

use mlpack_install::Installation;
use mlpack_oci::layer::{Compression, LayerOptions, Tree, WrittenLayer, write_layer};
use mlpack_oci::spec::MediaType;
use mlpack_oci::{BlobStore, Blobs, Digest, Image, Progress, descriptor};

use super::blobs::AssembledBlobs;
use super::canonical::canonical;
use super::config::image_config;
use super::layers::environment::{self, Output};
use super::layers::{KnownLayer, ModelKey, RecordKind, UnwrittenModels};
use super::manifest::manifest;
use super::plan::LayerContent;
use super::{Base, LayerCache, LayerRecord, Plan, Record, Role};
use crate::Result;

/// Assembles an image over a base.
pub struct Assembler<'a> {
    /// The base, whose layers are not read.
    pub base: &'a Base,
    /// Where new layers are written to, except those of the environment, which stay in the cache.
    pub stage: &'a BlobStore,
    /// Layers written before.
    pub cache: &'a LayerCache,
    /// Threads that compress.
    pub threads: usize,
    /// Reports what is written.
    pub progress: &'a dyn Progress,
}

/// Layers written so far.
struct NewLayers {
    written: Vec<WrittenLayer>,
    unwritten: UnwrittenModels,
    /// Layers of registered models, and where they are.
    stored: HashMap<Digest, Arc<dyn Blobs>>,
}

impl Assembler<'_> {
    /// Writes the layers that are missing and returns the image. `install` installs the packages;
    /// it is only called if a layer of them is missing.
    ///
    /// # Errors
    /// Those of `install` and of writing.
    pub fn assemble(
        &self,
        mut plan: Plan,
        install: &mut dyn FnMut() -> Result<Installation>,
    ) -> Result<Image> {
        let mut record = plan.record.clone();
        let layers = std::mem::take(&mut plan.layers);
        let options = LayerOptions { mtime: plan.mtime, threads: self.threads };
        let unwritten = UnwrittenModels::new(options);
        let mut new = NewLayers { written: Vec::new(), unwritten, stored: HashMap::new() };
        for layer in layers {
            let role = layer.role;
            let written = match layer.content {
                LayerContent::Environment(layers) => {
                    let Self { base, cache, progress, .. } = *self;
                    let output = Output { cache, options, progress };
                    let layers = environment::write(layers, &base.root, output, install)?;
                    layers.into_iter().map(|(title, layer)| (Some(title), layer)).collect()
                }
                LayerContent::Stored(stored) => {
                    let written = WrittenLayer {
                        descriptor: stored.descriptor,
                        digest: stored.digest,
                        diff_id: stored.diff_id,
                    };
                    new.stored.insert(stored.digest, stored.blobs);
                    vec![(layer.title, written)]
                }
                LayerContent::Tree { tree, compression } => {
                    let name = match &layer.title {
                        Some(title) => format!("{} {title}", role.name()),
                        None => role.name().to_owned(),
                    };
                    let write = match role {
                        Role::Model => self.model(&name, tree, compression, options, &mut new)?,
                        _ => self.write(&name, &tree, compression, options)?,
                    };
                    vec![(layer.title, write)]
                }
            };
            for (title, layer) in written {
                add_to_record(&mut record, role, title, &layer);
                new.written.push(layer);
            }
        }
        self.image(&plan, &record, new)
    }

    /// Writes a model's layer, unless its digests are known: then it is written when it is read.
    fn model(
        &self,
        name: &str,
        tree: Tree,
        compression: Compression,
        options: LayerOptions,
        new: &mut NewLayers,
    ) -> Result<WrittenLayer> {
        // A model that cannot be read is reported when it is written.
        let key = ModelKey::of(&tree, compression, options).ok();
        let layer = match key.as_ref().and_then(|key| self.cache.model(key)) {
            Some(layer) => {
                self.progress.note(&format!("{name}: up to date (cached)"));
                new.unwritten.add(&layer, tree, compression);
                layer
            }
            None => self.write(name, &tree, compression, options)?,
        };
        if let Some(key) = key {
            let known = KnownLayer::new(name.to_owned(), &layer);
            self.cache.put(RecordKind::Model, &key.digest, &known)?;
        }
        Ok(layer)
    }

    fn write(
        &self,
        name: &str,
        tree: &Tree,
        compression: Compression,
        options: LayerOptions,
    ) -> Result<WrittenLayer> {
        let meter = self.progress.begin(&format!("Writing {name}"), Some(tree.size()));
        let layer = write_layer(tree, compression, options, self.stage, &*meter)?;
        let stored = layer.descriptor.media_type() == &MediaType::ImageLayer;
        meter.finish(if stored { "stored uncompressed" } else { "compressed" });
        Ok(layer)
    }

    /// Writes the config and returns the image with its manifest.
    fn image(&self, plan: &Plan, record: &Record, new: NewLayers) -> Result<Image> {
        let NewLayers { written, unwritten, stored } = new;
        let config = canonical(&image_config(self.base, plan, record, &written)?)?;
        let config_digest = self.stage.put(&config)?;
        let config_descriptor =
            descriptor(MediaType::ImageConfig, config_digest, config.len() as u64);
        let manifest = canonical(&manifest(self.base, config_descriptor, &written)?)?;
        let blobs = Arc::new(AssembledBlobs {
            unwritten,
            stored,
            new: written.iter().map(|layer| layer.digest).chain([config_digest]).collect(),
            stage: self.stage.clone(),
            cache: self.cache.store().clone(),
            base: Arc::clone(&self.base.image.blobs),
        });
        Ok(Image::new("the new image", manifest, config, blobs)?)
    }
}

/// Records a layer; a model's layer identifies the model.
fn add_to_record(record: &mut Record, role: Role, title: Option<String>, layer: &WrittenLayer) {
    let diff_id = layer.diff_id;
    if role == Role::Model {
        let known = record.layers.iter().filter(|layer| layer.role == Role::Model).count();
        if let Some(model) = record.models.get_mut(known) {
            model.digest = diff_id;
        }
    }
    record.layers.push(LayerRecord { role, title, diff_id });
}
