//! Everything that can end a run: errors of the lower crates, refusals, and wrong arguments.

use std::path::PathBuf;

use crate::Argument;

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
            Self::Io { .. } => None,
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

/// A check or requirement that failed. Its findings or verdicts were reported before.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Checks found errors in the project.
    #[error("the project has {errors} error{}", if *errors == 1 { "" } else { "s" })]
    Findings {
        /// How many.
        errors: usize,
    },
    /// Extra Dockerfile lines that need a build.
    #[error("{} has instructions that cannot be followed", path.display())]
    DockerSteps {
        /// The file.
        path: PathBuf,
    },
    /// The base image does not meet the policy.
    #[error("the base image does not meet the policy `{policy}`: {}", failed.join(", "))]
    Base {
        /// The policy.
        policy: String,
        /// The requirements that failed.
        failed: Vec<String>,
        /// Another policy that the base meets.
        accepting: Option<String>,
        /// What else can be done.
        hint: String,
    },
    /// The base image was made by mlpack: what an older project left there would stay.
    #[error("{image} was made by mlpack and has an entry script and packages already")]
    OwnImage {
        /// The image.
        image: String,
        /// The base that it was made of, if it has a name and nothing was added since.
        base: Option<String>,
    },
    /// Packages that do not run on the base.
    #[error("{message}")]
    Incompatible {
        /// One line per package.
        message: String,
        /// What to do.
        hint: String,
    },
    /// The self-test of an image failed.
    #[error("the self-test of the image failed: {cause}\n{}", mlpack_deploy::log_block(log))]
    Selftest {
        /// What happened.
        cause: String,
        /// The end of the log.
        log: String,
        /// What to do.
        hint: String,
    },
    /// This machine cannot run the files of the image without a container engine.
    #[error("cannot run the self-test of the image on this machine: {reason}")]
    CannotTest {
        /// Why.
        reason: String,
    },
    /// An up-to-date lock file is required and there is none.
    #[error("there is no {lock}")]
    NoLock {
        /// The lock file, relative to the current directory.
        lock: String,
    },
    /// An up-to-date lock file is required and this one is not.
    #[error("{lock} is out of date: {}", differences.join("; "))]
    StaleLock {
        /// The lock file, relative to the current directory.
        lock: String,
        /// Inputs that changed.
        differences: Vec<String>,
    },
}

impl Refusal {
    /// Returns what the user can do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Findings { .. } => {
                "follow the hints above and run the command again; nothing was written".to_owned()
            }
            Self::DockerSteps { .. } => {
                "remove those lines and install through the conda file or the base image".to_owned()
            }
            Self::Base { accepting: Some(policy), .. } => {
                format!("this base image meets the policy `{policy}`: pass `--policy {policy}`")
            }
            Self::Base { hint, .. }
            | Self::Incompatible { hint, .. }
            | Self::Selftest { hint, .. } => hint.clone(),
            Self::OwnImage { base: Some(base), .. } => {
                format!("use the base that it was made of: --base-image {base}")
            }
            Self::OwnImage { base: None, .. } => {
                "use the base that it was made of (`mlpack inspect` shows it), or an image made FROM that".to_owned()
            }
            Self::CannotTest { .. } => {
                "allow user namespaces or run as root, on a machine of the image's architecture; or omit `--selftest` and test the image with `mlpack deploy`".to_owned()
            }
            Self::NoLock { .. } => {
                "run `mlpack lock` with the same arguments to create it".to_owned()
            }
            Self::StaleLock { .. } => {
                "run `mlpack lock` with the same arguments to update it".to_owned()
            }
        }
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
