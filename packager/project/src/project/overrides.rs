//! What flags say; each wins over the file.

use super::{Runtime, Secret};

/// The flags that mean the same as keys of an inference configuration (docs/azureml-2019.md#1.4,
/// `deploy`). Paths are as given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overrides {
    /// `--entry-script`
    pub entry_script: Option<String>,
    /// `--source-directory`
    pub source_directory: Option<String>,
    /// `--conda-file`
    pub conda_file: Option<String>,
    /// `--runtime`
    pub runtime: Option<Runtime>,
    /// `--enable-gpu`
    pub enable_gpu: Option<bool>,
    /// `--cuda-version`
    pub cuda_version: Option<String>,
    /// `--base-image`
    pub base_image: Option<String>,
    /// `--base-image-registry`
    pub registry_address: Option<String>,
    /// `--base-image-username`
    pub registry_username: Option<String>,
    /// Its password, from a file or standard input.
    pub registry_password: Option<Secret>,
    /// `--extra-docker-file-steps`
    pub docker_steps: Option<String>,
    /// `--env NAME=VALUE`, which go on top of those of the file.
    pub environment_variables: Vec<(String, String)>,
    /// `--description`
    pub description: Option<String>,
}
