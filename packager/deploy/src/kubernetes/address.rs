//! Where clients reach a service.

use mlpack_cluster::Kind;
use serde_json::Value;

use super::cluster::KubernetesDeployer;
use crate::options::{Exposure, TargetOptions};
use crate::{Result, ServiceName};

impl KubernetesDeployer {
    /// Returns the beginning of a service's URIs; `None` while the cluster has given it no address.
    pub(super) async fn address(
        &self,
        name: &ServiceName,
        options: &TargetOptions,
    ) -> Result<Option<String>> {
        let named = |scheme: &str| {
            options.hostname.as_ref().map(|hostname| format!("{scheme}://{hostname}"))
        };
        match &options.exposure {
            Exposure::ClusterIp | Exposure::LoadBalancer => self.of_service(name, options).await,
            Exposure::Ingress { .. } => {
                let scheme = if options.tls_secret.is_some() { "https" } else { "http" };
                if options.hostname.is_some() {
                    return Ok(named(scheme));
                }
                let ingress = self.cluster.get(&Kind::INGRESS, name.as_str()).await?;
                let host = ingress.as_ref().and_then(balancer);
                Ok(host.map(|host| format!("{scheme}://{host}")))
            }
            Exposure::Gateway { namespace, name: gateway } => {
                let cluster = match namespace {
                    Some(namespace) => self.cluster.in_namespace(namespace),
                    None => self.cluster.clone(),
                };
                // Who may deploy may not be allowed to read the Gateway.
                let found = cluster.get(&Kind::GATEWAY, gateway).await.ok().flatten();
                let found = found.unwrap_or_default();
                let listeners = found["spec"]["listeners"].as_array();
                let https = listeners
                    .is_some_and(|all| all.iter().any(|listener| listener["protocol"] == "HTTPS"));
                let scheme = if https { "https" } else { "http" };
                let address = found["status"]["addresses"][0]["value"].as_str();
                Ok(named(scheme).or_else(|| Some(format!("{scheme}://{}", address?))))
            }
        }
    }

    /// Returns the address of a service's own Service.
    async fn of_service(
        &self,
        name: &ServiceName,
        options: &TargetOptions,
    ) -> Result<Option<String>> {
        let Some(service) = self.cluster.get(&Kind::SERVICE, name.as_str()).await? else {
            return Ok(None);
        };
        let host = match options.exposure {
            Exposure::ClusterIp => Some(format!("{name}.{}.svc", self.cluster.namespace())),
            _ => balancer(&service),
        };
        let scheme = if options.tls_secret.is_some() { "https" } else { "http" };
        Ok(host.map(|host| format!("{scheme}://{host}")))
    }
}

/// Returns the address that a load balancer gave an object.
fn balancer(object: &Value) -> Option<String> {
    let ingress = &object["status"]["loadBalancer"]["ingress"][0];
    let found = ingress["ip"].as_str().or_else(|| ingress["hostname"].as_str())?;
    Some(if found.contains(':') { format!("[{found}]") } else { found.to_owned() })
}
