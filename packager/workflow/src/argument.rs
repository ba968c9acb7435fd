//! Arguments that make no sense.

use std::path::PathBuf;

use mlpack_oci::LocationParseError;

/// An argument that makes no sense, whatever the files say.
#[derive(Debug, thiserror::Error)]
pub enum Argument {
    /// Text that names no image.
    #[error(transparent)]
    Location(LocationParseError),
    /// Text that names neither a file nor an image.
    #[error(transparent)]
    Source(LocationParseError),
    /// A requirement that the policy does not have.
    #[error("--allow {name}: the policy `{policy}` has no such requirement")]
    Allow {
        /// The name as given.
        name: String,
        /// The policy.
        policy: String,
        /// Its requirements.
        known: Vec<String>,
    },
    /// A name that no model can have, a pair without `=`, or the like.
    #[error("{message}")]
    Model {
        /// What was found.
        message: String,
        /// What was expected.
        hint: String,
    },
    /// The login that is needed does not exist.
    #[error("{message}")]
    Login {
        /// What was found.
        message: String,
        /// What was expected.
        hint: String,
    },
    /// A folder to write to has files that mlpack did not write.
    #[error("{} has a file that is no rendered document: {name}", folder.display())]
    OtherFiles {
        /// The folder.
        folder: PathBuf,
        /// One of them.
        name: String,
    },
    /// A target that pulls images from a registry, and an image that is in none.
    #[error("compute type `{target}` pulls images from a registry, and the workspace is a folder")]
    NoRegistry {
        /// The compute type.
        target: &'static str,
    },
    /// No workspace was named or found.
    #[error("cannot find a workspace")]
    NoWorkspace,
    /// No base image was named and the catalogue has no default.
    #[error("the catalogue has no default base image for runtime {runtime}{}", if *gpu { " with GPU" } else { "" })]
    NoDefaultBase {
        /// The runtime.
        runtime: String,
        /// Whether a GPU is wanted.
        gpu: bool,
    },
}

impl Argument {
    /// Returns what the user can do about it, where there is something.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Location(_) => None,
            Self::Source(_) => Some(
                "name a directory, a lock file, a conda file, or an image as for `mlpack inspect`"
                    .to_owned(),
            ),
            Self::Model { hint, .. } | Self::Login { hint, .. } => Some(hint.clone()),
            Self::OtherFiles { .. } => Some("name an empty or new folder".to_owned()),
            Self::NoRegistry { .. } => Some(
                "set MLPACK_WORKSPACE to REGISTRY/PREFIX; or package with `--output REGISTRY/REPOSITORY:TAG`, and deploy that with `mlpack deploy`".to_owned(),
            ),
            Self::NoWorkspace => Some(
                "run `mlpack workspace create`, or name one with `--workspace DIR` or `--workspace REGISTRY/PREFIX`"
                    .to_owned(),
            ),
            Self::Allow { known, .. } => Some(format!("it has {}; a check is named as in its findings: script.imports", known.join(", "))),
            Self::NoDefaultBase { .. } => Some("name one with --base-image".to_owned()),
        }
    }
}
