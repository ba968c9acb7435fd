//! A port of this machine that leads to a pod.

use std::net::{Ipv4Addr, SocketAddr};

use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::{Cluster, Error, Kind, Result};

/// A port of 127.0.0.1 whose connections the API server relays to a port of a pod. Closed when it is dropped.
#[derive(Debug)]
pub struct Tunnel {
    address: SocketAddr,
    accepting: JoinHandle<()>,
}

impl Tunnel {
    /// Its address on this machine.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Cluster {
    /// Opens a port that leads to a port of a pod. One connection is made at once, so that a refusal is seen here.
    ///
    /// # Errors
    /// As [`Cluster::get`], and [`Error::Tunnel`].
    pub async fn tunnel(&self, pod: &str, port: u16) -> Result<Tunnel> {
        let failed = |reason: String| Error::Tunnel { pod: pod.to_owned(), reason };
        let listening = async {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
            std::io::Result::Ok((listener.local_addr()?, listener))
        };
        let (address, listener) = listening.await.map_err(|error| failed(error.to_string()))?;
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), self.namespace());
        let kind = Kind { plural: "pods/portforward", ..Kind::POD };
        let first = pods.portforward(pod, &[port]).await;
        let mut first = Some(first.map_err(|error| match error {
            kube::Error::UpgradeConnection(error) => failed(error.to_string()),
            other => self.failure(&kind, pod, "create").error(other),
        })?);
        let pod = pod.to_owned();
        let accepting = tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                let forwarder = match first.take() {
                    Some(first) => first,
                    None => match pods.portforward(&pod, &[port]).await {
                        Ok(more) => more,
                        Err(_) => continue,
                    },
                };
                tokio::spawn(relay(connection, forwarder, port));
            }
        });
        Ok(Tunnel { address, accepting })
    }
}

/// Copies both ways until one side ends. What fails is seen by who connected, as a connection that ends.
async fn relay(mut connection: TcpStream, mut forwarder: kube::api::Portforwarder, port: u16) {
    if let Some(mut stream) = forwarder.take_stream(port) {
        let _ = copy_bidirectional(&mut connection, &mut stream).await;
    }
    forwarder.abort();
}
