//! Errors of deploying and of using a service.

use std::time::Duration;

use crate::explain::Explanation;
use crate::state::ServiceState;

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Errors of deploying and of using a service. The message is the fact; [`Error::hint`] is what to
/// do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Not a valid name of a service.
    #[error("invalid service name `{name}`: {reason}")]
    ServiceName {
        /// The name as given.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// A deployment configuration that cannot be read.
    #[error(transparent)]
    Document(#[from] mlpack_documents::Error),
    /// A target that mlpack cannot deploy to in this version.
    #[error("deploying to {target} is not supported yet")]
    Unsupported {
        /// The compute type or compute target.
        target: String,
    },
    /// A service of that name exists.
    #[error("a service named `{name}` already exists and is {state}")]
    ServiceExists {
        /// The name.
        name: String,
        /// Its state.
        state: ServiceState,
    },
    /// No service of that name.
    #[error("there is no service named `{name}`")]
    NoSuchService {
        /// The name.
        name: String,
        /// The existing services.
        present: Vec<String>,
    },
    /// The server process exited instead of serving.
    #[error("service `{name}` failed: {}\n{}", explanation.cause, log_block(log))]
    Failed {
        /// The service.
        name: String,
        /// What its log and exit code mean.
        explanation: Explanation,
        /// The exit code.
        exit_code: Option<i64>,
        /// The end of its log.
        log: String,
        /// Whether what failed is kept, for the rest of its log.
        kept: bool,
    },
    /// The target cannot start what serves.
    #[error("service `{name}` did not start: {}{}", explanation.cause, event_block(events))]
    NotStarted {
        /// The service.
        name: String,
        /// Why.
        explanation: Explanation,
        /// What the target reports about it, oldest first.
        events: Vec<String>,
    },
    /// The service did not answer in time.
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
        /// Why the last attempt failed.
        last: String,
        /// What its log means, if it can be explained.
        explanation: Option<Box<Explanation>>,
        /// The end of its log.
        log: String,
        /// Whether what failed is kept, for the rest of its log.
        kept: bool,
    },
    /// The service exists but does not accept requests.
    #[error("service `{name}` is {state}")]
    NotServing {
        /// The service.
        name: String,
        /// Its state.
        state: ServiceState,
    },
    /// The service answered a request with an error.
    #[error("service `{name}` answered {status}: {}{}", explanation.cause, body_line(body))]
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
    /// The service closed the connection or did not answer.
    #[error("service `{name}` did not answer: {reason}")]
    NoAnswer {
        /// The service.
        name: String,
        /// What happened.
        reason: String,
    },
    /// A key that no header can have.
    #[error("a key of the service is not one word of printable ASCII")]
    Key,
    /// The system has no randomness for a key.
    #[error("cannot generate a key: the system has no randomness")]
    NoRandomness,
    /// The service has no keys.
    #[error("service `{name}` has no keys")]
    NoKeys {
        /// The service.
        name: String,
    },
    /// The compute target's own error.
    #[error("{source}")]
    Target {
        /// The error.
        source: Box<dyn std::error::Error + Send + Sync>,
        /// What the user can do about it.
        hint: Option<String>,
    },
}

impl Error {
    /// Returns the error of what was removed, log and all.
    pub(crate) fn not_kept(mut self) -> Self {
        if let Self::Failed { kept, .. } | Self::TimedOut { kept, .. } = &mut self {
            *kept = false;
        }
        self
    }

    /// Returns what the user can do about it, if there is something.
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::ServiceName { .. } => {
                "use 3 to 32 lower-case letters, digits and `-`, beginning with a letter".to_owned()
            }
            Self::Document(mlpack_documents::Error::MissingKey { key, .. })
                if key == "computeType" =>
            {
                "add `computeType`, one of local, aci, aks, aksendpoint, iot".to_owned()
            }
            Self::Document(error) => return error.hint(),
            Self::Unsupported { .. } => {
                "use compute type `local`, `aks` or `aci`; for `iot`, package the image with `--output REGISTRY/REPOSITORY:TAG`, and write the documents of the service with `mlpack deploy IMAGE --render-only -o DIR`".to_owned()
            }
            Self::Key => "use letters and digits, as in the keys that mlpack generates".to_owned(),
            Self::NoRandomness => return None,
            Self::NoKeys { .. } => {
                "set `authEnabled` to true in the deployment config and deploy it again with `--overwrite`".to_owned()
            }
            Self::ServiceExists { name, .. } => format!(
                "add `--overwrite` to replace it, or delete it with `mlpack service delete -n {name}`"
            ),
            Self::NoSuchService { present, .. } if present.is_empty() => {
                "there are no services; deploy one with `mlpack deploy`".to_owned()
            }
            Self::NoSuchService { present, .. } => {
                format!("the services are {}", present.join(", "))
            }
            Self::Failed { explanation, name, kept, .. } => {
                with_log_hint(&explanation.hint, name, *kept)
            }
            Self::TimedOut { name, explanation, kept, .. } => with_log_hint(
                explanation.as_ref().map_or(
                    "if init() loads a large model, increase `--timeout`",
                    |explanation| &explanation.hint,
                ),
                name,
                *kept,
            ),
            Self::NotStarted { explanation, .. } => explanation.hint.clone(),
            Self::NotServing { name, .. } | Self::NoAnswer { name, .. } => {
                format!("`mlpack service get-logs -n {name}` shows why")
            }
            Self::Answered { explanation, .. } => explanation.hint.clone(),
            Self::Target { hint, .. } => return hint.clone(),
        };
        Some(text)
    }
}

fn with_log_hint(hint: &str, name: &str, kept: bool) -> String {
    if !kept {
        return hint.to_owned();
    }
    format!(
        "{hint}; the stopped container is kept until the next deployment of this name: `mlpack service get-logs -n {name}` shows its whole log"
    )
}

/// Formats events as lines below a message.
fn event_block(events: &[String]) -> String {
    events.iter().map(|event| format!("\n  | {event}")).collect()
}

/// Formats the end of a log as lines below a message.
pub fn log_block(log: &str) -> String {
    if log.trim().is_empty() {
        return "its log is empty".to_owned();
    }
    let lines: Vec<String> = log.trim_end().lines().map(|line| format!("  | {line}")).collect();
    format!("end of its log:\n{}", lines.join("\n"))
}

/// Formats the beginning of an answer's body as a separate line.
fn body_line(body: &str) -> String {
    const SHOWN: usize = 300;
    let words = body.split_whitespace().collect::<Vec<_>>().join(" ");
    match words.char_indices().nth(SHOWN) {
        _ if words.is_empty() => String::new(),
        Some((end, _)) => format!("\nbody: {}...", &words[..end]),
        None => format!("\nbody: {words}"),
    }
}
