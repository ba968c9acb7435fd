//! Everything that can end a run: errors of the lower crates, refusals, and wrong arguments.

use std::path::PathBuf;

use crate::{Argument, Refusal};

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a run failed. The message is the fact; [`Error::hint`] says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An image could not be read or written.
    #[error(transparent)]
    Oci(#[from] mlpack_oci::Error),
    /// A registry.
    #[error(transparent)]
    Registry(Box<mlpack_registry::Error>),
    /// The Docker engine.
    #[error(transparent)]
    Engine(#[from] mlpack_engine::Error),
    /// Packages could not be resolved, downloaded or installed.
    #[error(transparent)]
    Packages(Box<PackagesError>),
    /// The image could not be planned or assembled.
    #[error(transparent)]
    Image(Box<mlpack_project::Error>),
    /// The project's inputs could not be read.
    #[error(transparent)]
    Project(#[from] mlpack_project::project::Error),
    /// No base image could be made of this machine's Python.
    #[error(transparent)]
    HostBase(#[from] mlpack_host_base::Error),
    /// A service.
    #[error(transparent)]
    Deploy(Box<mlpack_deploy::Error>),
    /// A workspace, a registered model, or where one is from.
    #[error(transparent)]
    Models(Box<ModelsError>),
    /// A check or requirement failed.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The request itself is wrong.
    #[error(transparent)]
    Argument(#[from] Argument),
    /// A key of a configuration that is not known, in a strict run.
    #[error("{place}: unknown key `{key}`")]
    UnknownKey {
        /// The file and its line.
        place: String,
        /// The key.
        key: String,
    },
    /// No Python that a base image could be made of.
    #[error("cannot find a Python on PATH to make a base image from")]
    NoHostPython,
    /// The cache directory cannot be written.
    #[error("cannot write to the cache: {}: {source}", path.display())]
    Cache {
        /// The directory.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A file could not be read or written.
    #[error("cannot {action} {place}: {source}")]
    Io {
        /// What was tried, as in `read`.
        action: &'static str,
        /// The file.
        place: String,
        /// The system's reason.
        source: std::io::Error,
    },
}

impl Error {
    /// Returns what the user can do about it, where there is something.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Oci(error) => error.hint(),
            Self::Registry(error) => error.hint(),
            Self::Engine(error) => error.hint(),
            Self::Packages(error) => error.hint(),
            Self::Image(error) => error.hint(),
            Self::Project(error) => error.hint(),
            Self::HostBase(error) => error.hint(),
            Self::Deploy(error) => error.hint(),
            Self::Models(error) => error.hint(),
            Self::Refused(refusal) => Some(refusal.hint()),
            Self::Argument(argument) => argument.hint(),
            Self::UnknownKey { .. } => {
                Some("delete it, or omit `--strict` to ignore it".to_owned())
            }
            Self::NoHostPython => {
                Some("install Python 3.8 or newer, or name a base with --base-image".to_owned())
            }
            Self::Cache { .. } => Some("set MLPACK_CACHE_DIR to a writable directory".to_owned()),
            Self::Io { source, .. } => mlpack_oci::io_hint(source),
        }
    }

    /// Wraps an I/O error with what was tried where.
    pub fn io(action: &'static str, place: impl ToString) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Io { action, place: place.to_string(), source }
    }
}

/// Errors on the way from requirements to installed packages.
#[derive(Debug, thiserror::Error)]
pub enum PackagesError {
    /// The conda file or pip list could not be read.
    #[error(transparent)]
    Requirements(#[from] mlpack_requirements::Error),
    /// The lock file could not be read or written.
    #[error(transparent)]
    Lock(#[from] mlpack_lock::Error),
    /// A package archive or the cache could not be read.
    #[error(transparent)]
    Archive(#[from] mlpack_packages::Error),
    /// There is no solution, or the resolver failed.
    #[error(transparent)]
    Resolve(#[from] mlpack_resolve::Error),
    /// A package could not be downloaded, built or installed.
    #[error(transparent)]
    Install(#[from] mlpack_install::Error),
}

impl PackagesError {
    /// Returns what the user can do about it, where there is something.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Requirements(error) => error.hint(),
            Self::Lock(error) => error.hint(),
            Self::Archive(error) => error.hint(),
            Self::Resolve(error) => error.hint(),
            Self::Install(error) => error.hint(),
        }
    }
}

/// Lets `?` turn the errors of the crates for packages into [`Error`].
macro_rules! packages_errors {
    ($($error:ty),* $(,)?) => {
        $(impl From<$error> for Error {
            fn from(error: $error) -> Self {
                PackagesError::from(error).into()
            }
        })*
    };
}

packages_errors![
    mlpack_requirements::Error,
    mlpack_lock::Error,
    mlpack_packages::Error,
    mlpack_resolve::Error,
    mlpack_install::Error,
];

/// Large errors are boxed, so that a result stays small.
macro_rules! boxed {
    ($($variant:ident($error:ty),)*) => {
        $(impl From<$error> for Error {
            fn from(error: $error) -> Self {
                Self::$variant(Box::new(error))
            }
        })*
    };
}

boxed! {
    Registry(mlpack_registry::Error),
    Packages(PackagesError),
    Image(mlpack_project::Error),
    Deploy(mlpack_deploy::Error),
    Models(ModelsError),
}

/// Errors of the crates for registered models.
#[derive(Debug, thiserror::Error)]
pub enum ModelsError {
    /// A workspace or a registered model.
    #[error(transparent)]
    Workspace(#[from] mlpack_models::Error),
    /// A URL, an archive or a run.
    #[error(transparent)]
    Source(#[from] mlpack_model_source::Error),
}

impl ModelsError {
    /// Returns what the user can do about it, where there is something.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Workspace(error) => error.hint(),
            Self::Source(error) => error.hint(),
        }
    }
}

impl From<mlpack_models::Error> for Error {
    fn from(error: mlpack_models::Error) -> Self {
        ModelsError::from(error).into()
    }
}

impl From<mlpack_model_source::Error> for Error {
    fn from(error: mlpack_model_source::Error) -> Self {
        ModelsError::from(error).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(accepting: Option<&str>) -> Error {
        let refusal = Refusal::Base {
            policy: "strict".to_owned(),
            failed: vec!["os".to_owned(), "python".to_owned()],
            accepting: accepting.map(str::to_owned),
            hint: "use another base image".to_owned(),
        };
        refusal.into()
    }

    #[test]
    fn a_policy_that_accepts_the_base_is_the_hint() {
        let error = refused(None);
        let message = "the base image does not meet the policy `strict`: os, python";
        assert_eq!(error.to_string(), message);
        assert_eq!(error.hint().unwrap(), "use another base image");
        assert_eq!(
            refused(Some("loose")).hint().unwrap(),
            "this base image meets the policy `loose`: pass `--policy loose`"
        );
    }

    #[test]
    fn findings_are_counted() {
        assert_eq!(Refusal::Findings { errors: 1 }.to_string(), "the project has 1 error");
        assert_eq!(Refusal::Findings { errors: 2 }.to_string(), "the project has 2 errors");
    }
}
