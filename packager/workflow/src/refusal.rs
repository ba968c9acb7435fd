//! What a check or a requirement says no to.

use std::path::PathBuf;

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
