//! What is recorded about a version of a model.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// A version of a model, with the keys of Azure ML's record (docs/azureml-2019.md#1.2).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ModelRecord {
    /// Its name.
    pub name: String,
    /// Its number, from 1.
    pub version: u32,
    /// When it was registered, in RFC 3339.
    pub created_time: String,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// As in `ScikitLearn`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub framework: Option<String>,
    /// As in `0.20.3`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub framework_version: Option<String>,
    /// Labels that may change.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// Labels that never change once they are set.
    #[serde(default)]
    pub properties: BTreeMap<String, String>,
    /// What a service of it needs.
    #[serde(default, skip_serializing_if = "Resources::is_empty")]
    pub resource_requirements: Resources,
    /// The experiment whose run made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub experiment_name: Option<String>,
    /// The run that made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
    /// Where a sample of its input is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample_input_dataset_id: Option<String>,
    /// Where a sample of its output is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample_output_dataset_id: Option<String>,
    /// The name of its file or folder, the only entry of its folder in an image.
    pub entry: String,
    /// Sum of its files in bytes.
    pub size: u64,
    /// Its entries; absent if there are very many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<Vec<ListedFile>>,
}

/// What a service of a model needs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Resources {
    /// In cores.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<f64>,
    /// In GB.
    #[serde(default, rename = "memoryInGB", skip_serializing_if = "Option::is_none")]
    pub memory_in_gb: Option<f64>,
    /// Number of GPUs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpu: Option<u32>,
}

impl Resources {
    /// Returns whether nothing is known.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// An entry of a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum ListedFile {
    /// A regular file.
    File {
        /// Beginning with the model's own entry.
        path: String,
        /// In bytes.
        size: u64,
        /// Whether anyone may execute it.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        executable: bool,
    },
    /// A folder.
    Directory {
        /// As of a file.
        path: String,
    },
    /// A symbolic link.
    Link {
        /// As of a file.
        path: String,
        /// As written into the link.
        target: String,
    },
}

impl ModelRecord {
    /// Returns `NAME:VERSION`.
    pub fn id(&self) -> String {
        format!("{}:{}", self.name, self.version)
    }

    /// Returns the folder of the model in its layer: `models/NAME/VERSION`.
    pub fn folder(&self) -> String {
        format!("models/{}/{}", self.name, self.version)
    }

    /// Adds properties.
    ///
    /// # Errors
    /// [`Error::PropertyChanged`] for one that has another value.
    pub fn add_properties(&mut self, properties: &BTreeMap<String, String>) -> Result<()> {
        for (key, value) in properties {
            if let Some(before) = self.properties.get(key).filter(|before| *before != value) {
                return Err(Error::PropertyChanged {
                    id: self.id(),
                    key: key.clone(),
                    before: before.clone(),
                    after: value.clone(),
                });
            }
        }
        self.properties.extend(properties.clone());
        Ok(())
    }
}
