//! Errors of solving conda packages.

/// Conda packages that cannot be solved.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CondaError {
    /// No channel has a package.
    #[error("no channel has a conda package `{name}` for {platform}; searched: {}", channels.join(", "))]
    NoSuchPackage {
        /// Its name.
        name: String,
        /// `linux-64`
        platform: String,
        /// Addresses without secrets.
        channels: Vec<String>,
    },
    /// No set of packages satisfies all lines.
    #[error("conda dependencies are unsatisfiable for {platform}:\n{reason}")]
    Unsatisfiable {
        /// Platform and C library of the base.
        platform: String,
        /// Sentences that explain the conflict.
        reason: String,
        /// What may be done.
        hint: String,
    },
    /// The solved packages have no interpreter.
    #[error("the solved conda packages do not include CPython: {reason}")]
    NoPython {
        /// What was found.
        reason: String,
    },
}

impl CondaError {
    /// Returns what the user can do about the error.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoSuchPackage { name, platform, .. } if name == "python" => Some(format!(
                "add a channel that has packages for {platform} below `channels:`, or use a base image of another architecture"
            )),
            Self::NoSuchPackage { name, .. } => Some(format!(
                "check the spelling, add the channel that has it below `channels:`, or list `{name}` below `pip:` if PyPI has it"
            )),
            Self::Unsatisfiable { hint, .. } => Some(hint.clone()),
            Self::NoPython { .. } => Some("add a line such as `- python=3.11`".to_owned()),
        }
    }
}
