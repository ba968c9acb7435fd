//! What a workspace returns.

use std::fs::File;
use std::sync::Arc;

use mlpack_oci::layer::WrittenLayer;
use mlpack_oci::{Blobs, Digest};
use serde::{Deserialize, Serialize};

use crate::ModelRecord;

/// The names that a workspace had on Azure.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WorkspaceInfo {
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workspace_name: Option<String>,
    /// Its resource group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_group_name: Option<String>,
}

/// A version of a model.
#[derive(Clone)]
pub struct RegisteredModel {
    /// What is recorded about it.
    pub record: ModelRecord,
    /// Digest of its manifest.
    pub digest: Digest,
    /// Its layer, as an image has it.
    pub layer: WrittenLayer,
    /// Where the layer is read from.
    pub blobs: Arc<dyn Blobs>,
}

/// What was removed from a workspace.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Cleaned {
    /// Numbers whose registration had been interrupted.
    pub claims: usize,
    /// Blobs that nothing referred to.
    pub blobs: usize,
    /// Their size in bytes.
    pub bytes: u64,
}

/// A number that is taken for a model that is being registered.
pub struct Claim {
    /// The model.
    pub name: String,
    /// The number.
    pub version: u32,
    pub(crate) digest: Digest,
    /// Keeps its blobs from being cleaned.
    pub(crate) _in_use: Option<File>,
}
