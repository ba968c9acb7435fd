//! A Kubernetes API server with the controllers of a Deployment: `fixtures/kubernetes`.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use super::{TestContext, repository};

/// A cluster whose kubeconfig a context has. Ended with the test.
pub(crate) struct Cluster {
    child: Child,
    _output: BufReader<ChildStdout>,
    behaviour: PathBuf,
    /// The API server's address.
    pub(crate) address: String,
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Cluster {
    /// Starts a cluster; with a certificate and its key, behind TLS.
    pub(crate) fn start(context: &mut TestContext, tls: &[PathBuf]) -> Self {
        let folder = context.root().join("cluster");
        std::fs::create_dir_all(&folder).unwrap();
        let mut command = Command::new("python3");
        command.arg(repository().join("fixtures/kubernetes/server.py")).arg(&folder).args(tls);
        command.env("PYTHONDONTWRITEBYTECODE", "1");
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut address = String::new();
        output.read_line(&mut address).unwrap();
        let address = address.trim_end().to_owned();
        context.name(&address, "[CLUSTER]");
        let behaviour = folder.join("behaviour.json");
        let cluster = Self { child, _output: output, behaviour, address };
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
        let new = self.behaviour.with_extension("new");
        std::fs::write(&new, how.to_string()).unwrap();
        std::fs::rename(new, &self.behaviour).unwrap();
    }
}
