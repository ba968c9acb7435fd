//! Container groups: where they are, and which of them are services.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use mlpack_azure::ResourceManager;
use mlpack_documents::Templates;
use mlpack_oci::labels;
use serde_json::Value;

use super::error::Error as AciError;
use crate::config::AciConfig;
use crate::image_facts::{PullLogin, PullLogins};
use crate::options::TargetOptions;
use crate::{Error, Result, ServiceName};

/// Version of the API whose bodies are rendered: that of the official models.
pub(super) const VERSION: &str = "2023-05-01";

/// Version of the API of resource groups.
const GROUPS_VERSION: &str = "2021-04-01";

/// What the name of a group ends with that tries an update before the service is replaced.
const TRIAL: &str = "-mlpack-trial";

/// Deploys to a resource group. A service is found by its group's tags; there is no other record of it.
#[derive(Debug)]
pub(super) struct AciDeployer {
    pub(super) manager: ResourceManager,
    pub(super) resource_group: String,
    pub(super) config: AciConfig,
    pub(super) options: TargetOptions,
    pub(super) pull_login: Option<PullLogin>,
    pub(super) logins: Option<Arc<dyn PullLogins>>,
    pub(super) templates: Templates,
    pub(super) folder: PathBuf,
}

/// Returns the tags of a group.
pub(super) fn tags(group: &Value) -> BTreeMap<String, String> {
    let all = group["tags"].as_object().into_iter().flatten();
    all.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}

/// Returns the name of the group that tries an update of a service.
pub(super) fn trial_name(name: &ServiceName) -> String {
    format!("{name}{TRIAL}")
}

impl AciDeployer {
    /// Returns the path of the resource group's own resource.
    fn resource_group_path(&self) -> String {
        let subscription = self.manager.subscription();
        format!("/subscriptions/{subscription}/resourceGroups/{}", self.resource_group)
    }

    /// Returns the path of all groups.
    pub(super) fn groups_path(&self) -> String {
        format!(
            "{}/providers/Microsoft.ContainerInstance/containerGroups",
            self.resource_group_path()
        )
    }

    /// Returns the path of a group.
    pub(super) fn path(&self, name: &str) -> String {
        format!("{}/{name}", self.groups_path())
    }

    /// Returns the path of a group's one container.
    pub(super) fn container_path(&self, name: &str, container: &str) -> String {
        format!("{}/containers/{container}", self.path(name))
    }

    /// Returns the region of new groups: the configuration's, or the resource group's own.
    pub(super) async fn location(&self) -> Result<String> {
        if let Some(location) = &self.config.location {
            return Ok(location.clone());
        }
        let path = self.resource_group_path();
        let group = self.manager.get(&path, GROUPS_VERSION).await?.unwrap_or_default();
        let missing = || AciError::Region {
            reason: format!("resource group `{}` has no region", self.resource_group),
            hint: "set `location` in the deployment config, or add `--location REGION`".to_owned(),
        };
        Ok(group["location"].as_str().map(str::to_owned).ok_or_else(missing)?)
    }

    /// Returns a group; `None` if there is none of that name.
    pub(super) async fn live(&self, name: &ServiceName) -> Result<Option<Value>> {
        let found = self.manager.get(&self.path(name.as_str()), VERSION).await?;
        let foreign = || AciError::ForeignGroup {
            name: name.to_string(),
            resource_group: self.resource_group.clone(),
        };
        match found {
            Some(found) if found["tags"][labels::SERVICE] != name.as_str() => Err(foreign().into()),
            found => Ok(found),
        }
    }

    /// Returns the group of a service.
    ///
    /// # Errors
    /// [`Error::NoSuchService`], or Azure's.
    pub(super) async fn find(&self, name: &ServiceName) -> Result<Value> {
        if let Some(found) = self.live(name).await? {
            return Ok(found);
        }
        let present = self.groups().await?.into_keys().map(|name| name.to_string()).collect();
        Err(Error::NoSuchService { name: name.to_string(), present })
    }

    /// Returns the groups of all services by name.
    pub(super) async fn groups(&self) -> Result<BTreeMap<ServiceName, Value>> {
        let found = self.manager.list(&self.groups_path(), VERSION).await?;
        let service = |group: Value| {
            let tagged = group["tags"][labels::SERVICE].as_str()?;
            // The group that tries an update has the tags of the service.
            let is_own = group["name"].as_str()?.eq_ignore_ascii_case(tagged);
            Some((tagged.parse().ok().filter(|_| is_own)?, group))
        };
        Ok(found.into_iter().filter_map(service).collect())
    }
}
