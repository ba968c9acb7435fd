//! Where and how a service runs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use mlpack_deploy::config::{FLAGS, Setting, read_text};
use mlpack_deploy::{DEFAULT_TIMEOUT, Metadata};
use mlpack_workflow::DeployRequest;
use mlpack_workflow::models::pairs;

use super::placement::PlacementArgs;
use super::settings::SettingFlags;
use crate::failure::{Failure, Result};

/// The configuration of a deployment.
#[derive(Debug, Clone, Args)]
pub(crate) struct ConfigArgs {
    /// Deployment configuration, JSON or YAML
    #[arg(
        long,
        visible_alias = "dc",
        alias = "deploy-config-file",
        value_name = "FILE",
        help_heading = "Deployment"
    )]
    pub(crate) deploy_config: Option<PathBuf>,
    #[command(flatten)]
    settings: SettingFlags,
    /// Profile whose recommended cores and memory are used, as `mlpack model profile -t` writes it
    #[arg(long, visible_alias = "pi", value_name = "FILE", help_heading = "Deployment")]
    profile_input: Option<PathBuf>,
    /// Seconds to wait for the service to become ready
    #[arg(long, default_value_t = DEFAULT_TIMEOUT.as_secs(), value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400), help_heading = "Deployment")]
    timeout: u64,
}

impl ConfigArgs {
    /// Returns the settings that flags give, and those of a profile that no flag gives.
    pub(crate) fn settings(&self) -> Result<Vec<Setting>> {
        let mut settings = self.settings.0.clone();
        if let Some(file) = &self.profile_input {
            for found in profile(file)? {
                if settings.iter().all(|setting| setting.spec.flag != found.spec.flag) {
                    settings.push(found);
                }
            }
        }
        Ok(settings)
    }

    /// Returns how long the service may take to become ready.
    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout)
    }
}

/// Reads what a profile recommends; the keys are those of Azure ML's.
fn profile(file: &Path) -> Result<Vec<Setting>> {
    let text = read_text(file).map_err(Failure::io("read", file.display()))?;
    let document: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    let pairs = [("cpu-cores", "recommendedCpu"), ("memory-gb", "recommendedMemoryInGB")];
    let found = pairs.iter().filter_map(|(flag, key)| {
        let spec = FLAGS.iter().find(|spec| spec.flag == *flag)?;
        Some(Setting { spec, text: document[*key].as_f64()?.to_string() })
    });
    let found: Vec<Setting> = found.collect();
    match found.len() == pairs.len() {
        true => Ok(found),
        false => Err(Failure::usage(
            format!(
                "{} is not a profile: it has no `recommendedCpu` and `recommendedMemoryInGB`",
                file.display()
            ),
            "write one with `mlpack model profile -t FILE`",
        )),
    }
}

/// The target of a deployment.
#[derive(Debug, Clone, Args)]
pub(crate) struct TargetArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// Kind of compute target: `local`, `aks` or `aci` [default: local, or aks with `--compute-target`]
    #[arg(long, visible_alias = "cp", help_heading = "Deployment")]
    compute_type: Option<String>,
    /// Context of the kubeconfig whose cluster is deployed to
    #[arg(long, visible_alias = "ct", help_heading = "Deployment")]
    compute_target: Option<String>,
    /// Tag of the service (can be repeated)
    #[arg(long = "tag", value_name = "KEY=VALUE", help_heading = "Deployment")]
    tags: Vec<String>,
    /// Property of the service (can be repeated)
    #[arg(long = "property", value_name = "KEY=VALUE", help_heading = "Deployment")]
    properties: Vec<String>,
    /// Replace an existing service of that name
    #[arg(long, help_heading = "Deployment")]
    overwrite: bool,
    #[command(flatten)]
    placement: PlacementArgs,
}

impl TargetArgs {
    /// Returns the deployment that they ask for.
    pub(crate) fn request(
        &self,
        name: &str,
        description: Option<String>,
        environment: BTreeMap<String, String>,
    ) -> Result<DeployRequest> {
        let tags = pairs("--tag", &self.tags)?;
        let properties = pairs("--property", &self.properties)?;
        Ok(self.placement.add_to(DeployRequest {
            config: self.config.deploy_config.clone(),
            compute_type: self.compute_type.clone(),
            compute_target: self.compute_target.clone(),
            settings: self.config.settings()?,
            metadata: Metadata { description, tags, properties },
            environment,
            overwrite: self.overwrite,
            timeout: self.config.timeout(),
            ..DeployRequest::new(name)
        }))
    }
}
