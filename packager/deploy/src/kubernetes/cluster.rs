//! The deployer of the Kubernetes target and what it talks to.

use std::collections::BTreeMap;
use std::path::PathBuf;

use mlpack_cluster::{Cluster, Kind};
use mlpack_documents::Templates;
use mlpack_oci::labels;
use serde_json::Value;

use super::error::Error as KubernetesError;
use crate::config::AksConfig;
use crate::image_facts::PullLogin;
use crate::options::TargetOptions;
use crate::{Error, Result, ServiceName};

/// Selects the Deployments of all services.
pub(super) const ALL_SERVICES: &str = "org.mlpack.service,app.kubernetes.io/managed-by=mlpack";

/// Returns the annotations of an object, which have what labels have on this machine.
pub(super) fn annotations(object: &Value) -> BTreeMap<String, String> {
    let all = object["metadata"]["annotations"].as_object().into_iter().flatten();
    all.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}

/// Deploys to a cluster. A service is found by its objects' labels; there is no other record of it.
#[derive(Debug)]
pub(super) struct KubernetesDeployer {
    pub(super) cluster: Cluster,
    pub(super) config: AksConfig,
    pub(super) options: TargetOptions,
    pub(super) pull_login: Option<PullLogin>,
    pub(super) force_conflicts: bool,
    pub(super) templates: Templates,
    pub(super) folder: PathBuf,
}

impl KubernetesDeployer {
    /// Returns the Deployment of a service; `None` if there is none of that name.
    pub(super) async fn live(&self, name: &ServiceName) -> Result<Option<Value>> {
        let found = self.cluster.get(&Kind::DEPLOYMENT, name.as_str()).await?;
        let foreign = || KubernetesError::ForeignDeployment {
            name: name.to_string(),
            namespace: self.cluster.namespace().to_owned(),
        };
        match found {
            Some(found) if found["metadata"]["labels"][labels::SERVICE] != name.as_str() => {
                Err(foreign().into())
            }
            found => Ok(found),
        }
    }

    /// Returns the Deployment of a service.
    ///
    /// # Errors
    /// [`Error::NoSuchService`], or the cluster's.
    pub(super) async fn find(&self, name: &ServiceName) -> Result<Value> {
        if let Some(found) = self.live(name).await? {
            return Ok(found);
        }
        let services = self.cluster.list(&Kind::DEPLOYMENT, ALL_SERVICES).await?;
        let names = services.iter().filter_map(|service| service["metadata"]["name"].as_str());
        let present = names.map(str::to_owned).collect();
        Err(Error::NoSuchService { name: name.to_string(), present })
    }
}
