//! Everything that a service's objects are made of.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mlpack_cluster::Kind;
use mlpack_oci::{Secret, labels};
use serde_json::Value;

use super::cluster::{KubernetesDeployer, annotations};
use super::error::Error as KubernetesError;
use crate::config::{AksConfig, DeploymentConfig, Keys};
use crate::front_door::KEYS;
use crate::image_facts::PullLogin;
use crate::options::TargetOptions;
use crate::rendering::{Form, Rendering};
use crate::{DEFAULT_TIMEOUT, Deployment, Metadata, Result, ServiceKeys, ServiceName};

/// Everything that a service's objects are made of: rendering it again gives the same objects.
#[derive(Clone)]
pub(super) struct Release {
    pub(super) deployment: Deployment,
    pub(super) config: AksConfig,
    pub(super) options: TargetOptions,
    pub(super) pull_login: Option<PullLogin>,
}

impl KubernetesDeployer {
    /// Returns what a deployment makes of this configuration. Keys and the login that are not given stay.
    pub(super) fn new_release(&self, deployment: &Deployment, before: Option<&Release>) -> Release {
        let mut config = self.config.clone();
        if let Some(before) = before.filter(|_| config.auth_enabled) {
            let keys = before.config.keys.clone();
            config.keys.primary_key = config.keys.primary_key.or(keys.primary_key);
            config.keys.secondary_key = config.keys.secondary_key.or(keys.secondary_key);
        }
        let earlier = before.and_then(|before| before.pull_login.clone());
        let has_secret = self.options.pull_secret.is_some();
        Release {
            deployment: deployment.clone(),
            config,
            options: self.options.clone(),
            pull_login: self.pull_login.clone().or(earlier).filter(|_| !has_secret),
        }
    }

    /// Returns what a service was deployed with.
    ///
    /// # Errors
    /// [`KubernetesError::Record`], or the cluster's.
    pub(super) async fn release(&self, name: &ServiceName, live: &Value) -> Result<Release> {
        let annotations = annotations(live);
        let text =
            |annotation: &'static str| annotations.get(annotation).map_or("", String::as_str);
        let bad = |annotation, reason: String| KubernetesError::Record {
            name: name.to_string(),
            annotation,
            reason,
        };
        let config = DeploymentConfig::parse(text(labels::CONFIG), labels::CONFIG)
            .map_err(|error| bad(labels::CONFIG, error.to_string()))?;
        let DeploymentConfig::Aks(mut config) = config else {
            return Err(bad(labels::CONFIG, "it is not of compute type `aks`".to_owned()).into());
        };
        if config.auth_enabled
            && let Some(keys) = self.read_keys(name).await?
        {
            let ServiceKeys { primary_key, secondary_key } = keys;
            config.keys =
                Keys { primary_key: Some(primary_key), secondary_key: Some(secondary_key) };
        }
        let options = serde_json::from_str(text(labels::OPTIONS))
            .map_err(|error| bad(labels::OPTIONS, error.to_string()))?;
        let facts = serde_json::from_str(text(labels::FACTS))
            .map_err(|error| bad(labels::FACTS, error.to_string()))?;
        let reference = format!("{}@{}", text(labels::REFERENCE), text(labels::DIGEST));
        let image =
            reference.parse().map_err(|_| bad(labels::REFERENCE, format!("it is {reference}")))?;
        Ok(Release {
            deployment: Deployment {
                name: name.clone(),
                image,
                facts,
                environment: self.secret(&format!("{name}-variables")).await?.unwrap_or_default(),
                metadata: Metadata::of(&annotations),
                overwrite: true,
                timeout: DEFAULT_TIMEOUT,
            },
            config,
            options,
            pull_login: self.read_login(name).await?,
        })
    }

    /// Returns the objects of a release, in the order in which they are applied.
    pub(super) fn objects(&self, release: &Release) -> Result<Vec<Value>> {
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
        Ok(rendered.documents.into_iter().map(|document| document.content).collect())
    }

    /// Returns the entries of a secret, decoded; `None` if there is none of that name.
    async fn secret(&self, name: &str) -> Result<Option<BTreeMap<String, String>>> {
        let Some(secret) = self.cluster.get(&Kind::SECRET, name).await? else { return Ok(None) };
        let entries = secret["data"].as_object().into_iter().flatten();
        let decoded = entries.filter_map(|(key, value)| {
            let bytes = STANDARD.decode(value.as_str()?).ok()?;
            Some((key.clone(), String::from_utf8(bytes).ok()?))
        });
        Ok(Some(decoded.collect()))
    }

    /// Returns the keys of a service; `None` if it has none.
    pub(super) async fn read_keys(&self, name: &ServiceName) -> Result<Option<ServiceKeys>> {
        let secret = self.secret(&format!("{name}-keys")).await?;
        Ok(secret.and_then(|secret| ServiceKeys::of_lines(secret.get(KEYS)?)))
    }

    /// Returns the login that the pods of a service pull with, as it was rendered.
    async fn read_login(&self, name: &ServiceName) -> Result<Option<PullLogin>> {
        let secret = self.secret(&format!("{name}-pull")).await?;
        let read = |secret: BTreeMap<String, String>| {
            let config: Value = serde_json::from_str(secret.get(".dockerconfigjson")?).ok()?;
            let (server, login) = config["auths"].as_object()?.iter().next()?;
            Some(PullLogin {
                server: server.clone(),
                username: login["username"].as_str()?.to_owned(),
                password: Secret::new(login["password"].as_str()?),
            })
        };
        Ok(secret.and_then(read))
    }
}
