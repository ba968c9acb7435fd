//! Errors of talking to a cluster.

use std::time::Duration;

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A field that another manager has (Kubernetes, "Server-Side Apply": conflicts).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The field, as in `.spec.replicas`.
    pub field: String,
    /// Who has it, as in `"kubectl-edit" using apps/v1`.
    pub manager: String,
}

/// Errors of talking to a cluster. The message is the fact; [`Error::hint`] is what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no kubeconfig, and this is no pod.
    #[error(
        "there is no kubeconfig: {looked_at} does not exist, and this machine is not in a cluster"
    )]
    NoKubeconfig {
        /// Where it would be.
        looked_at: String,
    },
    /// A kubeconfig cannot be used.
    #[error("cannot use the kubeconfig {place}: {reason}")]
    Kubeconfig {
        /// Its file.
        place: String,
        /// What is wrong.
        reason: String,
    },
    /// No context of that name.
    #[error("the kubeconfig {place} has no context `{name}`")]
    NoContext {
        /// Its file.
        place: String,
        /// The name.
        name: String,
        /// The contexts that it has.
        present: Vec<String>,
    },
    /// The login that the kubeconfig describes failed.
    #[error("cannot log in to the cluster at {server}: {reason}")]
    Login {
        /// The API server.
        server: String,
        /// Why.
        reason: String,
    },
    /// The API server does not answer.
    #[error("cannot reach the cluster at {server}: {reason}")]
    Unreachable {
        /// The API server.
        server: String,
        /// The innermost cause.
        reason: String,
    },
    /// The certificate of the API server, or of the client, was refused.
    #[error("cannot reach the cluster at {server}: {reason}")]
    Certificate {
        /// The API server.
        server: String,
        /// Which certificate, and why.
        reason: String,
    },
    /// The API server accepted the connection and did not answer.
    #[error("the cluster at {server} did not answer within {} s to {action}", limit.as_secs())]
    Hangs {
        /// The API server.
        server: String,
        /// As in `get deployments.apps`.
        action: String,
        /// The time limit.
        limit: Duration,
    },
    /// The API server does not know who asks.
    #[error("the cluster at {server} does not accept the login of the kubeconfig: {message}")]
    Unauthorized {
        /// The API server.
        server: String,
        /// Its words.
        message: String,
    },
    /// The user may not do that.
    #[error("the cluster does not allow to {verb} {resource}: {message}")]
    Forbidden {
        /// The verb of a rule.
        verb: &'static str,
        /// The resource of a rule, as in `deployments.apps`.
        resource: String,
        /// The namespace, if the resource is in one.
        namespace: Option<String>,
        /// The API server's words.
        message: String,
    },
    /// Others have fields that were to be changed.
    #[error("{object} has fields that others manage: {}", claims(found))]
    Conflict {
        /// The object, as in `Deployment/digits`.
        object: String,
        /// The fields.
        found: Vec<Claim>,
    },
    /// The API server refused a document or a request.
    #[error("the cluster refused to {action}: {message} (status {status})")]
    Refused {
        /// As in `apply Deployment/digits`.
        action: String,
        /// The API server's words.
        message: String,
        /// The HTTP status; 0 if there was none.
        status: u16,
    },
    /// A port on this machine that leads to a pod could not be opened.
    #[error("cannot open a connection to pod {pod}: {reason}")]
    Tunnel {
        /// The pod.
        pod: String,
        /// Why.
        reason: String,
    },
}

fn claims(found: &[Claim]) -> String {
    let texts: Vec<String> =
        found.iter().map(|claim| format!("{} by {}", claim.field, claim.manager)).collect();
    texts.join(", ")
}

impl Error {
    /// Returns what the user can do about it, if there is something.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoKubeconfig { .. } => {
                "set KUBECONFIG, or write the file with the cluster's own tool, as in `az aks get-credentials`".to_owned()
            }
            Self::NoContext { present, .. } if !present.is_empty() => {
                format!("its contexts are {}", present.join(", "))
            }
            Self::Kubeconfig { .. } | Self::NoContext { .. } => {
                "`kubectl config view` shows what it contains".to_owned()
            }
            Self::Login { .. } | Self::Unauthorized { .. } => {
                "log in again: its token may have ended; `kubectl get nodes` with the same context must work".to_owned()
            }
            Self::Unreachable { .. } => {
                "check the address in the kubeconfig, the network and the proxy".to_owned()
            }
            Self::Certificate { .. } => {
                "compare `certificate-authority-data` and the client certificate in the kubeconfig with the cluster's".to_owned()
            }
            Self::Hangs { .. } => {
                "the API server may be overloaded or behind a proxy that swallows requests; try again".to_owned()
            }
            Self::Forbidden { verb, resource, namespace, .. } => rule(verb, resource, namespace.as_deref()),
            Self::Conflict { .. } => {
                "let its manager give the field up, or delete the object; mlpack takes no field by force".to_owned()
            }
            Self::Refused { message, status: 404, .. } if message.contains("namespaces") => {
                "name the namespace with `--namespace`, and it is created".to_owned()
            }
            Self::Refused { .. } | Self::Tunnel { .. } => return None,
        })
    }
}

/// Returns the command that makes the rule that is missing.
fn rule(verb: &str, resource: &str, namespace: Option<&str>) -> String {
    let (kind, scope) = match namespace {
        Some(namespace) => ("role", format!(" --namespace={namespace}")),
        None => ("clusterrole", String::new()),
    };
    format!(
        "a rule is missing: `kubectl create {kind} mlpack --verb={verb} --resource={resource}{scope}`, bound to the user"
    )
}
