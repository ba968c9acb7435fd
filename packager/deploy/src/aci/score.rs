//! Where a container group answers, and one scoring request to it.

use serde_json::Value;

use super::group::AciDeployer;
use super::group_state::{GroupState, service_state};
use super::record::Record;
use crate::clients::public;
use crate::config::{AciConfig, DeploymentConfig};
use crate::scoring::{Endpoint, post};
use crate::tls::Tls;
use crate::{Answer, Error, Request, Result, ServiceName};

/// Returns the host and port of a group that has a public address.
pub(super) fn address(group: &Value) -> Option<(String, u64)> {
    let address = &group["properties"]["ipAddress"];
    let host = address["fqdn"].as_str().or_else(|| address["ip"].as_str())?;
    let is_public = address["type"] == "Public";
    is_public.then(|| (host.to_owned(), address["ports"][0]["port"].as_u64().unwrap_or(80)))
}

impl AciDeployer {
    /// Returns how a group is reached; `None` if it has no public address.
    pub(super) fn endpoint(&self, group: &Value, config: &AciConfig) -> Result<Option<Endpoint>> {
        let Some((host, _)) = address(group) else { return Ok(None) };
        let Some(ssl) = &config.ssl else {
            return Ok(Some(Endpoint {
                client: public(None)?,
                base: format!("http://{host}"),
                key: None,
            }));
        };
        // The service is known by its certificate: its name is a record that the user makes. Elsewhere, by its name.
        let (certificate, host) = match Tls::read(&ssl.certificate, &ssl.key, &self.folder) {
            Ok(tls) => (Some(tls.certificate), host),
            Err(_) => (None, ssl.cname.clone()),
        };
        let client = public(certificate.as_deref())?;
        Ok(Some(Endpoint { client, base: format!("https://{host}"), key: None }))
    }

    /// Posts a request to a service.
    ///
    /// # Errors
    /// As [`Deployer::run`](crate::Deployer::run).
    pub(super) async fn score(
        &self,
        name: &ServiceName,
        group: &Value,
        request: &Request,
    ) -> Result<Answer> {
        if GroupState::of(group) != GroupState::Running {
            let (state, _) = service_state(group);
            return Err(Error::NotServing { name: name.to_string(), state });
        }
        let record = Record::of(&super::group::tags(group));
        let config = record.ok().map(|record| record.config.to_string()).unwrap_or_default();
        let config = match DeploymentConfig::parse(&config, "its record") {
            Ok(DeploymentConfig::Aci(config)) => config,
            _ => self.config.clone(),
        };
        let endpoint = self.endpoint(group, &config)?.ok_or_else(|| Error::NoAnswer {
            name: name.to_string(),
            reason: "its address is private: send the request from its network".to_owned(),
        })?;
        let key = match config.auth_enabled {
            true => Some(self.keys_in(name, group).await?.primary_key),
            false => None,
        };
        post(name, &Endpoint { key, ..endpoint }, request).await
    }
}
