//! Errors become text, a hint and a documented exit code, in this one place.

use std::process::ExitCode;

use serde_json::json;

use crate::args::Format;
use crate::output;

/// Why a command did not do its work.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Oci(#[from] mlpack_oci::Error),
    #[error(transparent)]
    Registry(#[from] mlpack_registry::Error),
    #[error(transparent)]
    Engine(#[from] mlpack_engine::Error),
    #[error(transparent)]
    Lock(#[from] mlpack_lock::Error),
    #[error(transparent)]
    Packages(#[from] mlpack_packages::Error),
    #[error(transparent)]
    Resolve(#[from] mlpack_resolve::Error),
    #[error(transparent)]
    Install(#[from] mlpack_install::Error),
    #[error(transparent)]
    Requirements(#[from] mlpack_requirements::Error),
    #[error(transparent)]
    Build(#[from] mlpack_project::Error),
    #[error(transparent)]
    Project(#[from] mlpack_project::project::Error),
    #[error(transparent)]
    HostBase(#[from] mlpack_host_base::Error),
    #[error(transparent)]
    Deploy(#[from] mlpack_deploy::Error),
    /// The findings or verdicts were printed already.
    #[error("{message}")]
    Refused { message: String, hint: String },
    #[error("{message}")]
    Usage { message: String, hint: Option<String> },
    #[error("cannot {action} {place}: {source}")]
    Io { action: &'static str, place: String, source: std::io::Error },
    #[error("{message}")]
    Other { message: String, hint: Option<String> },
}

/// Result of a command.
pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;

impl Failure {
    pub(crate) fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), hint: Some(hint.into()) }
    }

    pub(crate) fn io(
        action: &'static str,
        place: impl ToString,
    ) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Io { action, place: place.to_string(), source }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Oci(error) => error.hint(),
            Self::Registry(error) => error.hint(),
            Self::Engine(error) => error.hint(),
            Self::Lock(error) => error.hint(),
            Self::Packages(error) => error.hint(),
            Self::Resolve(error) => error.hint(),
            Self::Install(error) => error.hint(),
            Self::Requirements(error) => error.hint(),
            Self::Build(error) => error.hint(),
            Self::Project(error) => error.hint(),
            Self::HostBase(error) => error.hint(),
            Self::Deploy(error) => error.hint(),
            Self::Refused { hint, .. } => Some(hint.clone()),
            Self::Usage { hint, .. } | Self::Other { hint, .. } => hint.clone(),
            Self::Io { .. } => None,
        }
    }

    /// 1 failed, 2 wrong usage, 3 refused by a check, 4 a service that does not come up or answer.
    fn code(&self) -> u8 {
        match self {
            Self::Usage { .. }
            | Self::Project(
                mlpack_project::project::Error::ModelSpec { .. }
                | mlpack_project::project::Error::MissingKey { path: None, .. },
            )
            | Self::Build(mlpack_project::Error::UnknownPolicy { .. })
            | Self::Deploy(
                mlpack_deploy::Error::ServiceName { .. } | mlpack_deploy::Error::Unsupported { .. },
            ) => 2,
            Self::Refused { .. } => 3,
            Self::Deploy(
                mlpack_deploy::Error::Failed { .. }
                | mlpack_deploy::Error::TimedOut { .. }
                | mlpack_deploy::Error::NotServing { .. }
                | mlpack_deploy::Error::Answered { .. }
                | mlpack_deploy::Error::NoAnswer { .. },
            ) => 4,
            _ => 1,
        }
    }

    /// Prints the failure to standard error.
    pub(crate) fn report(&self, format: Format) -> ExitCode {
        let (message, hint, code) = (self.to_string(), self.hint(), self.code());
        match format {
            Format::Json => output::error_line(
                &json!({ "error": { "message": message, "hint": hint, "exitCode": code } })
                    .to_string(),
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
