//! Arguments that make no sense.

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
            Self::Model { hint, .. } => Some(hint.clone()),
            Self::NoWorkspace => Some(
                "run `mlpack workspace create`, or name one with `--workspace DIR` or `--workspace REGISTRY/PREFIX`"
                    .to_owned(),
            ),
            Self::Allow { known, .. } => Some(format!("it has {}", known.join(", "))),
            Self::NoDefaultBase { .. } => Some("name one with --base-image".to_owned()),
        }
    }
}
