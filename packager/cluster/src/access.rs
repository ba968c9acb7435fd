//! Which cluster, and as who.

use std::path::PathBuf;

use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

use crate::cluster::Cluster;
use crate::failure::{Failure, last_cause};
use crate::{Error, Result};

/// How a cluster is reached.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// The kubeconfig files; the first one wins where they differ. Those that do not exist are passed over.
    pub kubeconfigs: Vec<PathBuf>,
    /// The context; the current one if `None`.
    pub context: Option<String>,
    /// The namespace; the context's if `None`.
    pub namespace: Option<String>,
}

impl Access {
    fn place(&self) -> String {
        let texts: Vec<String> =
            self.kubeconfigs.iter().map(|path| path.display().to_string()).collect();
        if texts.is_empty() { "(none)".to_owned() } else { texts.join(", ") }
    }

    /// Reads the kubeconfigs; `None` if there are none.
    fn read(&self) -> Result<Option<Kubeconfig>> {
        let mut merged: Option<Kubeconfig> = None;
        for path in self.kubeconfigs.iter().filter(|path| path.exists()) {
            let failed = |error: kube::config::KubeconfigError| Error::Kubeconfig {
                place: path.display().to_string(),
                reason: last_cause(&error),
            };
            let read = Kubeconfig::read_from(path).map_err(failed)?;
            merged = Some(match merged {
                Some(earlier) => earlier.merge(read).map_err(failed)?,
                None => read,
            });
        }
        Ok(merged)
    }

    /// Decides on the cluster and the user.
    async fn config(&self) -> Result<Config> {
        let Some(kubeconfig) = self.read()? else {
            // In a pod, the cluster is the pod's.
            if self.context.is_none()
                && let Ok(config) = Config::incluster()
            {
                return Ok(config);
            }
            return Err(Error::NoKubeconfig { looked_at: self.place() });
        };
        if let Some(name) = &self.context {
            let present: Vec<String> =
                kubeconfig.contexts.iter().map(|context| context.name.clone()).collect();
            if !present.contains(name) {
                return Err(Error::NoContext { place: self.place(), name: name.clone(), present });
            }
        }
        let options = KubeConfigOptions { context: self.context.clone(), ..Default::default() };
        Config::from_custom_kubeconfig(kubeconfig, &options)
            .await
            .map_err(|error| Error::Kubeconfig { place: self.place(), reason: last_cause(&error) })
    }

    /// Prepares the connection. Nothing is sent yet.
    ///
    /// # Errors
    /// [`Error::NoKubeconfig`], [`Error::Kubeconfig`], [`Error::NoContext`] or [`Error::Login`].
    pub async fn connect(&self) -> Result<Cluster> {
        let mut config = self.config().await?;
        config.connect_timeout = Some(crate::cluster::CONNECT_LIMIT);
        let server = config.cluster_url.to_string().trim_end_matches('/').to_owned();
        let namespace = self.namespace.clone().unwrap_or_else(|| config.default_namespace.clone());
        let client = Client::try_from(config).map_err(|error| match error {
            kube::Error::Auth(error) => {
                Error::Login { server: server.clone(), reason: Failure::login(&error) }
            }
            other => Error::Kubeconfig { place: self.place(), reason: last_cause(&other) },
        })?;
        Ok(Cluster::new(client, namespace, server))
    }
}
