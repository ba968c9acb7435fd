//! Config and manifest of the assembled base, which state its origin.

use mlpack_oci::Digest;
use mlpack_oci::layer::WrittenLayer;
use serde_json::{Value, json};

use crate::certificates;

/// Label and annotation that identify such a base.
pub const LABEL: &str = mlpack_oci::labels::ASSEMBLED_FROM_HOST;

/// The values in the documents.
pub(crate) struct About<'a> {
    /// Go's name of the processor.
    pub(crate) architecture: &'a str,
    /// Name of the machine's system for display.
    pub(crate) system: &'a str,
    /// Full version of Python.
    pub(crate) python: &'a str,
    /// In seconds since 1970.
    pub(crate) created: u64,
    /// From the bottom up, each with its history text.
    pub(crate) layers: &'a [(String, WrittenLayer)],
}

impl About<'_> {
    fn origin(&self) -> String {
        format!("{}, CPython {}", self.system, self.python)
    }

    fn sentence(&self) -> String {
        format!(
            "Assembled by mlpack from the C library and the Python {} of the machine that built it ({}). Not a published image.",
            self.python, self.system
        )
    }

    /// Returns the config. Its keys are in a fixed order.
    pub(crate) fn config(&self) -> Vec<u8> {
        let created = jiff::Timestamp::from_second(i64::try_from(self.created).unwrap_or(0))
            .map_or_else(|_| "1970-01-01T00:00:00Z".to_owned(), |time| time.to_string());
        let history: Vec<Value> = self
            .layers
            .iter()
            .map(|(what, _)| {
                json!({"created": created, "created_by": what, "comment": "assembled from a machine by mlpack"})
            })
            .collect();
        let diff_ids: Vec<String> =
            self.layers.iter().map(|(_, layer)| layer.diff_id.to_string()).collect();
        let document = json!({
            "created": created,
            "architecture": self.architecture,
            "os": "linux",
            "config": {
                "Env": [
                    "PATH=/usr/local/bin:/usr/bin:/bin",
                    "LANG=C.UTF-8",
                    format!("SSL_CERT_FILE=/{}", certificates::PATH),
                ],
                "Cmd": ["python3"],
                "Labels": {
                    LABEL: self.origin(),
                    "org.opencontainers.image.description": self.sentence(),
                },
            },
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
            "history": history,
        });
        document.to_string().into_bytes()
    }

    /// Returns the manifest of a config.
    pub(crate) fn manifest(&self, config: &[u8]) -> Vec<u8> {
        let layers: Vec<Value> = self
            .layers
            .iter()
            .map(|(_, layer)| {
                json!({
                    "mediaType": layer.descriptor.media_type().to_string(),
                    "digest": layer.digest.to_string(),
                    "size": layer.descriptor.size(),
                })
            })
            .collect();
        let document = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {
                "mediaType": "application/vnd.oci.image.config.v1+json",
                "digest": Digest::of(config).to_string(),
                "size": config.len(),
            },
            "layers": layers,
            "annotations": {
                LABEL: self.origin(),
                "org.opencontainers.image.description": self.sentence(),
                "org.opencontainers.image.title": "base assembled from a machine by mlpack",
            },
        });
        document.to_string().into_bytes()
    }
}
