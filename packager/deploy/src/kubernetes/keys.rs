//! Keys of services that exist.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mlpack_cluster::Kind;
use mlpack_oci::{Digest, Secret, labels};
use serde_json::json;

use super::cluster::KubernetesDeployer;
use crate::front_door::KEYS;
use crate::{Error, KeyName, Result, ServiceKeys, ServiceName};

impl KubernetesDeployer {
    /// Returns the keys of a service.
    ///
    /// # Errors
    /// [`Error::NoKeys`], or the cluster's.
    pub(super) async fn keys_of(&self, name: &ServiceName) -> Result<ServiceKeys> {
        let keys = self.read_keys(name).await?;
        keys.ok_or_else(|| Error::NoKeys { name: name.to_string() })
    }

    /// Replaces a key of a service while it runs.
    ///
    /// # Errors
    /// As [`KubernetesDeployer::keys_of`], [`Error::Key`], or the cluster's.
    pub(super) async fn replace_key(
        &self,
        name: &ServiceName,
        which: KeyName,
        key: Option<Secret>,
    ) -> Result<ServiceKeys> {
        let keys = self.keys_of(name).await?.with(which, key)?;
        let lines = keys.to_lines();
        let patch = json!({ "data": { KEYS: STANDARD.encode(&lines) } });
        self.cluster.merge(&Kind::SECRET, &format!("{name}-keys"), &patch).await?;
        // A kubelet looks at the secrets of a pod once a minute, and at once when the pod changes.
        let digest = Digest::of(lines.as_bytes()).to_string();
        let patch = json!({ "metadata": { "annotations": { "org.mlpack.keys": digest } } });
        let pods = self.cluster.list(&Kind::POD, &format!("{}={name}", labels::SERVICE)).await?;
        for pod in pods.iter().filter_map(|pod| pod["metadata"]["name"].as_str()) {
            self.cluster.merge(&Kind::POD, pod, &patch).await?;
        }
        Ok(keys)
    }
}
