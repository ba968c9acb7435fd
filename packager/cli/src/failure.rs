//! Errors become text, a hint and a documented exit code, in this one place.

use std::process::ExitCode;

use mlpack_workflow::Error;
use mlpack_workflow::batch::BatchError;
use serde_json::json;

use crate::output::{self, Format};

/// Why a verb failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Workflow(Box<Error>),
    #[error(transparent)]
    Batch(BatchError),
    #[error("{message}")]
    Usage { message: String, hint: Option<String> },
    #[error("{message}")]
    Other { message: String, hint: Option<String> },
}

/// Result of a verb.
pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;

/// Errors of the workflow, and of lower crates that verbs call directly.
macro_rules! workflow_errors {
    ($($error:ty),* $(,)?) => {
        $(impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::Workflow(Box::new(error.into()))
            }
        })*
    };
}

workflow_errors![
    mlpack_workflow::Error,
    mlpack_workflow::Refusal,
    mlpack_registry::Error,
    mlpack_project::Error,
    mlpack_project::project::Error,
    mlpack_deploy::Error,
    mlpack_models::Error,
];

impl From<mlpack_cache::Error> for Failure {
    fn from(error: mlpack_cache::Error) -> Self {
        let cause = std::error::Error::source(&error);
        let message = match cause {
            Some(cause) => format!("{error}: {cause}"),
            None => error.to_string(),
        };
        Self::Other { message, hint: Some(error.hint()) }
    }
}

impl From<BatchError> for Failure {
    fn from(error: BatchError) -> Self {
        match error {
            BatchError::Workflow(error) => Self::Workflow(error),
            error => Self::Batch(error),
        }
    }
}

impl Failure {
    pub(crate) fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), hint: Some(hint.into()) }
    }

    pub(crate) fn other(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Other { message: message.into(), hint: Some(hint.into()) }
    }

    pub(crate) fn io(
        action: &'static str,
        place: impl ToString,
    ) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Error::io(action, place)(source).into()
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Workflow(error) => error.hint(),
            Self::Batch(error) => error.hint(),
            Self::Usage { hint, .. } | Self::Other { hint, .. } => hint.clone(),
        }
    }

    /// Returns the exit code: 1 failure, 2 wrong usage, 3 a check or requirement failed, 4 a
    /// service did not start or answered with an error.
    fn code(&self) -> u8 {
        use mlpack_deploy::Error as Deploy;
        use mlpack_project::project::Error as Project;
        let error = match self {
            Self::Workflow(error) => &**error,
            Self::Batch(BatchError::Failed { .. }) => return 4,
            Self::Batch(_) => return 1,
            Self::Usage { .. } => return 2,
            Self::Other { .. } => return 1,
        };
        match error {
            Error::Argument(_)
            | Error::Project(Project::ModelSpec { .. } | Project::MissingKey { path: None, .. }) => {
                2
            }
            Error::Image(error) => match **error {
                mlpack_project::Error::UnknownPolicy { .. } => 2,
                _ => 1,
            },
            Error::Refused(_) => 3,
            Error::Deploy(error) => match **error {
                Deploy::ServiceName { .. } | Deploy::Unsupported { .. } => 2,
                Deploy::Failed { .. }
                | Deploy::NotStarted { .. }
                | Deploy::TimedOut { .. }
                | Deploy::NotServing { .. }
                | Deploy::Answered { .. }
                | Deploy::NoAnswer { .. } => 4,
                _ => 1,
            },
            _ => 1,
        }
    }

    /// Prints the failure to standard error.
    pub(crate) fn report(&self, format: Format) -> ExitCode {
        let (message, hint, code) = (self.to_string(), self.hint(), self.code());
        match format {
            Format::Json => output::error_value(
                &json!({ "error": { "message": message, "hint": hint, "exitCode": code } }),
            ),
            Format::Text => {
                output::error_line(&format!("{} {message}", output::red("error:")));
                if let Some(hint) = hint {
                    output::error_line(&format!("{} {hint}", output::bold("hint:")));
                }
            }
        }
        ExitCode::from(code)
    }
}
