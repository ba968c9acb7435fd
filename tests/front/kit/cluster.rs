//! A Kubernetes API server with the controllers of a Deployment: `fixtures/kubernetes`.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::{FixtureServer, TestContext};

/// A cluster whose kubeconfig a context has. Ended with the test.
pub(crate) struct Cluster {
    server: FixtureServer,
    /// The API server's address.
    pub(crate) address: String,
}

impl Cluster {
    /// Starts a cluster; with a certificate and its key, behind TLS.
    pub(crate) fn start(context: &mut TestContext, tls: &[PathBuf]) -> Self {
        let folder = context.root().join("cluster");
        let server = FixtureServer::start("kubernetes/server.py", &folder, tls);
        let address = server.address.clone();
        context.name(&address, "[CLUSTER]");
        let cluster = Self { server, address };
        context.write("kubeconfig", cluster.kubeconfig(json!({})).to_string());
        context.set("KUBECONFIG", context.path("kubeconfig"));
        cluster
    }

    /// A kubeconfig with one context, `lab`, and further fields of its cluster.
    pub(crate) fn kubeconfig(&self, more: Value) -> Value {
        let mut cluster = more;
        cluster["server"] = self.address.clone().into();
        json!({
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "lab",
            "clusters": [{ "name": "lab", "cluster": cluster }],
            "users": [{ "name": "ci", "user": { "token": "good" } }],
            "contexts": [{ "name": "lab", "context": { "cluster": "lab", "user": "ci" } }],
        })
    }

    /// Says what fails from now on (`fixtures/kubernetes/server.py`).
    pub(crate) fn behave(&self, how: &Value) {
        self.server.behave(how);
    }
}
