//! Workspaces: models by name and version, kept as OCI artifacts.
//!
//! Tier 2 of mlpack. A [`Workspace`] is an OCI image layout on disk or a prefix of repositories in a registry; there is
//! no database. A version of a model is a manifest of the ModelPack specification whose one layer is at the same time
//! the layer of every image that has the model (docs/models.md).

mod document;
mod error;
mod layout_store;
mod record;
mod registered;
mod registry_store;
mod repository;
mod store;
mod users;
mod workspace;

pub use document::image_of;
pub use error::{Error, Result};
pub use layout_store::{WORKSPACE_FILE, hold};
pub use record::{ListedFile, ModelRecord, Resources};
pub use registered::{Claim, Cleaned, RegisteredModel, WorkspaceInfo};
pub use users::IMAGE_REPOSITORY;
pub use workspace::{Workspace, is_alias};

/// What selects one version of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selector {
    /// The one with the highest number.
    Latest,
    /// The one with this number.
    Version(u32),
    /// The one that the alias names.
    Alias(String),
}

impl std::fmt::Display for Selector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Latest => Ok(()),
            Self::Version(version) => write!(f, ":{version}"),
            Self::Alias(alias) => write!(f, "@{alias}"),
        }
    }
}
