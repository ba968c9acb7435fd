//! The contents of an image: everything for one that mlpack made, what can be read of any other.

mod packages;
mod sizes;

use std::collections::{BTreeMap, HashMap};

use mlpack_lock::Server;
use mlpack_oci::rootfs::{LayerIndex, RootFs};
use mlpack_oci::{DiffId, Digest, Image, ImageId};
use serde::Serialize;

pub use self::packages::{Package, packages};
pub use self::sizes::{Sizes, sizes};
use super::record::{LABEL, ModelRecord, PythonRecord, Record, Role};
use crate::base::{BaseFacts, FactLine, Verdict};

/// The contents of an image.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Inspection {
    /// Digest of the manifest.
    pub digest: Digest,
    /// Digest of the config, the Docker engine's name for the image.
    pub image_id: ImageId,
    /// Media type of the manifest.
    pub media_type: String,
    /// `linux/amd64`
    pub platform: String,
    /// RFC 3339; reproducible images name a fixed time, not that of the build.
    pub created: Option<String>,
    /// Version of mlpack, if it made the image.
    pub mlpack: Option<String>,
    /// The base's reference and digest.
    pub base: Option<BaseName>,
    /// The facts of the base, or of the whole image if mlpack did not make it.
    pub facts: Vec<FactLine>,
    /// The policy.
    pub policy: Option<String>,
    /// The verdicts of its requirements.
    pub verdicts: Vec<Verdict>,
    /// The entry script below the app root.
    pub entry_script: Option<String>,
    /// What runs the entry script: `builtin` or `azmlinfsrv`.
    pub server: Option<Server>,
    /// Models by name and version.
    pub models: Vec<ModelRecord>,
    /// The interpreter of the environment.
    pub python: Option<PythonRecord>,
    /// Every pip and conda package.
    pub packages: Vec<Package>,
    /// Layers from the bottom up.
    pub layers: Vec<LayerLine>,
    /// Environment variables.
    pub env: Vec<String>,
    /// Ports, as in `5001/tcp`.
    pub ports: Vec<String>,
    /// User and group.
    pub user: String,
    /// Working directory.
    pub working_dir: String,
    /// First process.
    pub entrypoint: Vec<String>,
    /// Its arguments.
    pub cmd: Vec<String>,
    /// Labels, without mlpack's record.
    pub labels: BTreeMap<String, String>,
}

/// A base by name.
#[derive(Debug, Clone, Serialize)]
pub struct BaseName {
    /// Its reference, if it has one that is valid elsewhere.
    pub name: Option<String>,
    /// Digest of its manifest.
    pub digest: Digest,
}

/// A layer as a line.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LayerLine {
    /// From 1 at the bottom.
    pub number: usize,
    /// `base`, or what mlpack made it for; `-` in an image that mlpack did not make.
    pub role: String,
    /// `NAME:VERSION` of a model.
    pub title: Option<String>,
    /// Of the stored blob, in bytes.
    pub size: u64,
    /// `gzip`, `zstd` or `none`.
    pub compression: &'static str,
    /// Digest of the blob.
    pub digest: Digest,
    /// Digest of the content.
    pub diff_id: DiffId,
}

impl Inspection {
    /// Reads manifest and config; for an image that mlpack made they contain everything.
    pub fn of(image: &Image) -> Self {
        let record = Record::of(image);
        let config = image.config.config().clone().unwrap_or_default();
        let mut labels: BTreeMap<_, _> =
            config.labels().clone().unwrap_or_default().into_iter().collect();
        labels.remove(LABEL);
        let media_type = image.descriptor.media_type().to_string();
        let mut inspection = Self {
            digest: image.digest,
            image_id: image.id,
            media_type,
            platform: image.platform().to_string(),
            created: image.config.created().as_ref().map(ToString::to_string),
            mlpack: None,
            base: annotated_base(image),
            facts: Vec::new(),
            policy: None,
            verdicts: Vec::new(),
            entry_script: None,
            server: None,
            models: Vec::new(),
            python: None,
            packages: Vec::new(),
            layers: layers(image, record.as_ref()),
            env: config.env().clone().unwrap_or_default(),
            ports: ports(config.exposed_ports().as_deref().unwrap_or_default()),
            user: config.user().clone().unwrap_or_default(),
            working_dir: config.working_dir().clone().unwrap_or_default(),
            entrypoint: config.entrypoint().clone().unwrap_or_default(),
            cmd: config.cmd().clone().unwrap_or_default(),
            labels,
        };
        if let Some(record) = record {
            inspection.packages = record
                .entries()
                .into_iter()
                .map(|package| Package {
                    name: package.name,
                    version: package.version,
                    kind: package.kind,
                    place: record.python.prefix.clone(),
                })
                .collect();
            inspection.mlpack = Some(record.mlpack);
            inspection.base = Some(BaseName { name: record.base.name, digest: record.base.digest });
            inspection.facts = record.base.facts;
            inspection.policy = Some(record.policy.name);
            inspection.verdicts = record.policy.verdicts;
            inspection.entry_script = Some(record.entry_script);
            inspection.server = Some(record.server);
            inspection.models = record.models;
            inspection.python = Some(record.python);
        }
        inspection
    }

    /// Adds what is only in the layers: packages of the base, and the facts of an image that mlpack
    /// did not make.
    pub fn add_layers(&mut self, facts: &BaseFacts, root: &RootFs, indexes: &[LayerIndex]) {
        for (line, index) in self.layers.iter_mut().zip(indexes) {
            line.compression = compression(index.encoding.media_type().as_ref());
        }
        if self.mlpack.is_none() {
            self.facts = facts.lines();
        }
        self.packages = packages(root);
    }
}

/// Sorts ports by number; the config has them in no order.
fn ports(found: &[String]) -> Vec<String> {
    let mut ports = found.to_vec();
    let number = |port: &str| port.split('/').next().and_then(|number| number.parse::<u16>().ok());
    ports.sort_by_key(|port| (number(port), port.clone()));
    ports
}

fn annotated_base(image: &Image) -> Option<BaseName> {
    let annotations = image.manifest.annotations().as_ref()?;
    let digest = annotations.get("org.opencontainers.image.base.digest")?.parse().ok()?;
    Some(BaseName { name: annotations.get("org.opencontainers.image.base.name").cloned(), digest })
}

fn layers(image: &Image, record: Option<&Record>) -> Vec<LayerLine> {
    let own: HashMap<DiffId, (Role, Option<String>)> = record
        .map(|record| {
            let layers = record.layers.iter();
            layers.map(|layer| (layer.diff_id, (layer.role, layer.title.clone()))).collect()
        })
        .unwrap_or_default();
    let line = |(number, layer): (usize, &mlpack_oci::Layer)| {
        let known = own.get(&layer.diff_id);
        LayerLine {
            number: number + 1,
            role: match (known, record) {
                (Some((role, _)), _) => role.name().to_owned(),
                (None, Some(_)) => "base".to_owned(),
                (None, None) => "-".to_owned(),
            },
            title: known.and_then(|(_, title)| title.clone()),
            size: layer.descriptor.size(),
            compression: compression(layer.descriptor.media_type().as_ref()),
            digest: layer.digest,
            diff_id: layer.diff_id,
        }
    };
    image.layers.iter().enumerate().map(line).collect()
}

fn compression(media_type: &str) -> &'static str {
    match media_type.rsplit(['+', '.']).next() {
        Some("gzip") => "gzip",
        Some("zstd") => "zstd",
        _ => "none",
    }
}
