//! Everything that a container group is made of, and what of it only its container has.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mlpack_oci::labels;
use serde_json::Value;

use super::error::Error as AciError;
use super::group::{AciDeployer, VERSION, tags};
use super::group_state::GroupState;
use super::record::{Record, as_labels};
use crate::config::{AciConfig, DeploymentConfig, Keys};
use crate::front_door::{KEYS, path};
use crate::image_facts::PullLogin;
use crate::options::TargetOptions;
use crate::rendering::{Form, Rendering};
use crate::{DEFAULT_TIMEOUT, Deployment, Error, Metadata, Result, ServiceKeys, ServiceName};

/// Everything that a group is made of: rendering it again gives the same group.
#[derive(Debug, Clone)]
pub(super) struct Release {
    pub(super) deployment: Deployment,
    pub(super) config: AciConfig,
    pub(super) options: TargetOptions,
    pub(super) pull_login: Option<PullLogin>,
}

impl AciDeployer {
    /// Returns what a deployment makes of this configuration. Keys and the login that are not given stay.
    pub(super) async fn new_release(
        &self,
        deployment: &Deployment,
        before: Option<&Release>,
    ) -> Result<Release> {
        let mut config = self.config.clone();
        config.location = Some(self.location().await?);
        if config.auth_enabled {
            let earlier = before.map(|before| before.config.keys.clone()).unwrap_or_default();
            let keys = Keys {
                primary_key: config.keys.primary_key.or(earlier.primary_key),
                secondary_key: config.keys.secondary_key.or(earlier.secondary_key),
            };
            // Each rendering of this release has the same ones.
            let ServiceKeys { primary_key, secondary_key } = ServiceKeys::of(&keys)?;
            config.keys =
                Keys { primary_key: Some(primary_key), secondary_key: Some(secondary_key) };
        }
        let pull_login = match before.filter(|before| before.pull_login.is_some()) {
            Some(_) if self.pull_login.is_none() && self.options.pull_identity.is_none() => {
                self.login(deployment)?
            }
            _ => self.pull_login.clone(),
        };
        Ok(Release {
            deployment: deployment.clone(),
            config,
            options: self.options.clone(),
            pull_login,
        })
    }

    /// Returns this machine's login for the registry of an image: Azure does not give back the one that it has.
    fn login(&self, deployment: &Deployment) -> Result<Option<PullLogin>> {
        self.logins.as_ref().map(|logins| logins.pull_login(&deployment.image)).transpose()
    }

    /// Returns the body that makes a release.
    pub(super) fn body(&self, release: &Release) -> Result<Value> {
        let rendered = super::render(
            &release.config,
            &Rendering {
                deployment: &release.deployment,
                options: &release.options,
                pull_login: release.pull_login.as_ref(),
                form: Form::Plain,
                templates: &self.templates,
                folder: &self.folder,
            },
        )?;
        let first = rendered.documents.into_iter().next();
        Ok(first.map(|document| document.content).unwrap_or_default())
    }

    /// Returns what a service was deployed with. Keys and variables are read in its container, which must run.
    ///
    /// # Errors
    /// [`AciError::Record`], [`AciError::Unreadable`], or Azure's.
    pub(super) async fn release(&self, name: &ServiceName, group: &Value) -> Result<Release> {
        let tags = tags(group);
        let bad = |reason: String| AciError::Record { name: name.to_string(), reason };
        let Record { config, options, facts, pull_login } = Record::of(&tags).map_err(bad)?;
        let parsed = DeploymentConfig::parse(&config.to_string(), "its record");
        let DeploymentConfig::Aci(mut config) = parsed.map_err(|error| bad(error.to_string()))?
        else {
            return Err(bad("it is not of compute type `aci`".to_owned()).into());
        };
        if config.auth_enabled {
            let ServiceKeys { primary_key, secondary_key } = self.keys_in(name, group).await?;
            config.keys =
                Keys { primary_key: Some(primary_key), secondary_key: Some(secondary_key) };
        }
        let tag = |key: &str| tags.get(key).map_or("", String::as_str);
        let reference = format!("{}@{}", tag(labels::REFERENCE), tag(labels::DIGEST));
        let image = reference.parse().map_err(|_| bad(format!("its image is {reference}")))?;
        let deployment = Deployment {
            name: name.clone(),
            image,
            facts,
            environment: self.variables_in(name, group).await?,
            metadata: Metadata::of(&as_labels(&tags)),
            overwrite: true,
            timeout: DEFAULT_TIMEOUT,
        };
        let pull_login = if pull_login { self.login(&deployment)? } else { None };
        Ok(Release { deployment, config, options, pull_login })
    }

    /// Returns the keys of a service.
    ///
    /// # Errors
    /// [`Error::NoKeys`], [`AciError::Unreadable`], or Azure's.
    pub(super) async fn keys_in(&self, name: &ServiceName, group: &Value) -> Result<ServiceKeys> {
        let record = Record::of(&tags(group));
        if !record.is_ok_and(|record| record.config["authEnabled"] == true) {
            return Err(Error::NoKeys { name: name.to_string() });
        }
        let text = self.in_container(name, group, "keys", &format!("cat {}", path(KEYS))).await?;
        let lines = String::from_utf8(text).ok();
        let keys = lines.and_then(|lines| ServiceKeys::of_lines(&lines));
        let reason = "the file of keys is empty".to_owned();
        Ok(keys.ok_or_else(|| AciError::Unreadable {
            name: name.to_string(),
            what: "keys",
            reason,
        })?)
    }

    /// Returns the variables that the user set: Azure gives back their names only.
    async fn variables_in(
        &self,
        name: &ServiceName,
        group: &Value,
    ) -> Result<BTreeMap<String, String>> {
        let variables = &group["properties"]["containers"][0]["properties"]["environmentVariables"];
        let secret = variables.as_array().into_iter().flatten();
        let secret = secret.filter(|variable| variable["value"].is_null());
        let names: Vec<&str> = secret.filter_map(|variable| variable["name"].as_str()).collect();
        if names.is_empty() {
            return Ok(BTreeMap::new());
        }
        let text = self.in_container(name, group, "variables", "cat /proc/1/environ").await?;
        let text = String::from_utf8_lossy(&text).into_owned();
        let pairs = text.split('\0').filter_map(|pair| pair.split_once('='));
        let found = pairs.filter(|(name, _)| names.contains(name));
        Ok(found.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    /// Runs a line of the shell in the container of a service and returns its output.
    async fn in_container(
        &self,
        name: &ServiceName,
        group: &Value,
        what: &'static str,
        line: &str,
    ) -> Result<Vec<u8>> {
        let unreadable =
            |reason: String| AciError::Unreadable { name: name.to_string(), what, reason };
        if GroupState::of(group) != GroupState::Running {
            return Err(unreadable("its container does not run".to_owned()).into());
        }
        let container = self.container_path(name.as_str(), name.as_str());
        let output = self.manager.shell(&container, VERSION, line).await?;
        Ok(STANDARD.decode(output).map_err(|error| unreadable(error.to_string()))?)
    }
}
