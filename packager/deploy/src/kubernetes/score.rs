//! One scoring request to a service, by the API server: its address may not be reachable from here.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mlpack_cluster::Kind;
use mlpack_oci::labels;
use serde_json::Value;

use super::cluster::KubernetesDeployer;
use super::pod_state::is_true;
use super::services::state;
use crate::clients::{client, client_of};
use crate::front_door::CERTIFICATE;
use crate::scoring::{Endpoint, post};
use crate::{Answer, Error, Request, Result, ServiceName};

impl KubernetesDeployer {
    /// Posts a request to a pod that accepts requests.
    ///
    /// # Errors
    /// As [`Deployer::run`](crate::Deployer::run).
    pub(super) async fn score(
        &self,
        name: &ServiceName,
        deployment: &Value,
        request: &Request,
    ) -> Result<Answer> {
        let selector = format!("{}={name}", labels::SERVICE);
        let pods = self.cluster.list(&Kind::POD, &selector).await?;
        let ready = |pod: &&Value| {
            is_true(&pod["status"], "Ready") && pod["metadata"]["deletionTimestamp"].is_null()
        };
        let Some(pod) = pods.iter().find(ready) else {
            return Err(Error::NotServing { name: name.to_string(), state: state(deployment).0 });
        };
        let container = &pod["spec"]["containers"][0];
        let ports = container["ports"].as_array().into_iter().flatten();
        let port = ports
            .filter(|port| port["name"] == "score")
            .find_map(|port| port["containerPort"].as_u64());
        let port = port.and_then(|port| u16::try_from(port).ok()).unwrap_or(labels::DEFAULT_PORT);
        let pod_name = pod["metadata"]["name"].as_str().unwrap_or_default();
        let tunnel = self.cluster.tunnel(pod_name, port).await?;
        let (scheme, client) = match self.certificate(deployment).await? {
            Some(certificate) => ("https", client_of(&certificate)?),
            None => ("http", client()?),
        };
        let key = self.read_keys(name).await?.map(|keys| keys.primary_key);
        let endpoint = Endpoint { client, base: format!("{scheme}://{}", tunnel.address()), key };
        post(name, &endpoint, request).await
    }

    /// Returns the certificate that the front door of a service shows; `None` if it serves plain HTTP.
    async fn certificate(&self, deployment: &Value) -> Result<Option<Vec<u8>>> {
        let pod = &deployment["spec"]["template"]["spec"];
        let volumes = pod["volumes"].as_array().into_iter().flatten();
        let sources = volumes.filter_map(|volume| volume["projected"]["sources"].as_array());
        let has_certificate = |source: &&Value| {
            let items = source["secret"]["items"].as_array();
            items.is_some_and(|items| items.iter().any(|item| item["key"] == CERTIFICATE))
        };
        let source = sources.flatten().find(has_certificate);
        let Some(secret) = source.and_then(|source| source["secret"]["name"].as_str()) else {
            return Ok(None);
        };
        let secret = self.cluster.get(&Kind::SECRET, secret).await?.unwrap_or_default();
        Ok(secret["data"][CERTIFICATE].as_str().and_then(|text| STANDARD.decode(text).ok()))
    }
}
