//! Everything that can go wrong between a pinned reference and a running service.

use std::time::Duration;

use crate::Explanation;

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Errors of deploying and of using a service. The message is the fact; [`Error::hint`] is the
/// remedy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A name no service can have.
    #[error("`{name}` cannot name a service: {reason}")]
    ServiceName {
        /// The name as given.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// A deployment configuration that cannot be read.
    #[error(transparent)]
    Document(#[from] mlpack_documents::Error),
    /// A compute type mlpack reads but cannot deploy to in this version.
    #[error("mlpack does not deploy to compute type `{compute_type}` yet")]
    NotYet {
        /// As in the deployment config.
        compute_type: &'static str,
    },
    /// The engine is on another machine.
    #[error("the Docker engine at {host} is not on this machine, so a service there is not local")]
    RemoteEngine {
        /// The engine's address.
        host: String,
    },
    /// The reference to deploy does not lead to the engine.
    #[error("{reference} is not in the Docker engine")]
    NotInEngine {
        /// The pinned reference.
        reference: String,
    },
    /// The image's label `org.mlpack.port` is not a port.
    #[error("the label org.mlpack.port of the image is `{found}`, not a port")]
    PortLabel {
        /// The label's value.
        found: String,
    },
    /// A service of that name is there.
    #[error("a service named `{name}` exists already and is {state}")]
    ServiceExists {
        /// The name.
        name: String,
        /// Its state.
        state: crate::ServiceState,
    },
    /// A container of the service's name is there that mlpack did not make.
    #[error("a container named `{name}` exists already, and it is not a service of mlpack")]
    ForeignContainer {
        /// The name.
        name: String,
    },
    /// No service of that name.
    #[error("there is no service named `{name}`")]
    NoSuchService {
        /// The name.
        name: String,
        /// The services that are there.
        present: Vec<String>,
    },
    /// The container ended instead of serving.
    #[error("service `{name}` failed: {}\n{}", explanation.cause, log_block(log))]
    Failed {
        /// The service.
        name: String,
        /// What its log and exit code mean.
        explanation: Explanation,
        /// How the process ended.
        exit_code: Option<i64>,
        /// The end of its log.
        log: String,
    },
    /// It did not answer in time.
    #[error(
        "service `{name}` did not answer within {} s: {}\n{}",
        limit.as_secs(),
        explanation.as_ref().map_or(last, |explanation| &explanation.cause),
        log_block(log)
    )]
    TimedOut {
        /// The service.
        name: String,
        /// The time limit.
        limit: Duration,
        /// What the last try met.
        last: String,
        /// What its log means, if it means anything.
        explanation: Option<Box<Explanation>>,
        /// The end of its log.
        log: String,
    },
    /// It is there but cannot be asked.
    #[error("service `{name}` is {state}")]
    NotServing {
        /// The service.
        name: String,
        /// Its state.
        state: crate::ServiceState,
    },
    /// It answered a request with an error.
    #[error("service `{name}` answered {status}: {}{}", explanation.cause, said(body))]
    Answered {
        /// The service.
        name: String,
        /// HTTP status.
        status: u16,
        /// What the status means.
        explanation: Explanation,
        /// The beginning of the answer's body.
        body: String,
    },
    /// It broke the connection or did not answer.
    #[error("service `{name}` gave no answer: {reason}")]
    NoAnswer {
        /// The service.
        name: String,
        /// What happened.
        reason: String,
    },
    /// The HTTP client could not be made.
    #[error("cannot make an HTTP client: {reason}")]
    HttpClient {
        /// What it said.
        reason: String,
    },
    /// The engine.
    #[error(transparent)]
    Engine(#[from] mlpack_engine::Error),
}

impl Error {
    /// What the user can do about it, where there is something.
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::ServiceName { .. } => {
                "use 3 to 32 lower case letters, digits and `-`, beginning with a letter".to_owned()
            }
            Self::Document(mlpack_documents::Error::MissingKey { key, .. })
                if key == "computeType" =>
            {
                "add `computeType`, one of local, aci, aks, aksendpoint, iot".to_owned()
            }
            Self::Document(error) => return error.hint(),
            Self::NotYet { .. } => {
                "use computeType `local`, or push the image with `--output REGISTRY/REPOSITORY:TAG` and deploy it with that service's own tools".to_owned()
            }
            Self::RemoteEngine { .. } => {
                "unset DOCKER_HOST to use this machine's engine".to_owned()
            }
            Self::NotInEngine { .. } => {
                "load it first with `--output docker:NAME`".to_owned()
            }
            Self::ServiceExists { name, .. } => format!(
                "add `--overwrite` to replace it, or delete it with `mlpack service delete -n {name}`"
            ),
            Self::ForeignContainer { name } => {
                format!("choose another service name, or remove it with `docker rm --force {name}`")
            }
            Self::NoSuchService { present, .. } if present.is_empty() => {
                "no service is deployed; `mlpack deploy` makes one".to_owned()
            }
            Self::NoSuchService { present, .. } => {
                format!("the services are {}", present.join(", "))
            }
            Self::Failed { explanation, name, .. } => format!(
                "{}; the stopped container is kept: `mlpack service get-logs -n {name}` shows its whole log, the next deploy of this name replaces it",
                explanation.remedy
            ),
            Self::TimedOut { name, explanation, .. } => format!(
                "{}; the stopped container is kept: `mlpack service get-logs -n {name}` shows its whole log, the next deploy of this name replaces it",
                explanation.as_ref().map_or(
                    "if init() loads a large model, give it longer with `--timeout`",
                    |explanation| &explanation.remedy
                )
            ),
            Self::NotServing { name, .. } | Self::NoAnswer { name, .. } => {
                format!("`mlpack service get-logs -n {name}` shows why")
            }
            Self::Answered { explanation, .. } => explanation.remedy.clone(),
            Self::Engine(mlpack_engine::Error::PortInUse { port }) => format!(
                "`ss -ltnp 'sport = :{port}'` shows who listens there; set another `port` in the deployment config, or leave it out and a free one is taken"
            ),
            Self::Engine(error) => return error.hint(),
            _ => return None,
        };
        Some(text)
    }
}

fn log_block(log: &str) -> String {
    if log.trim().is_empty() {
        return "its log is empty".to_owned();
    }
    let lines: Vec<String> = log.trim_end().lines().map(|line| format!("  | {line}")).collect();
    format!("end of its log:\n{}", lines.join("\n"))
}

/// The beginning of an answer's body on a line of its own.
fn said(body: &str) -> String {
    const SHOWN: usize = 300;
    let words = body.split_whitespace().collect::<Vec<_>>().join(" ");
    match words.char_indices().nth(SHOWN) {
        _ if words.is_empty() => String::new(),
        Some((end, _)) => format!("\nit said: {}...", &words[..end]),
        None => format!("\nit said: {words}"),
    }
}
