//! How to get at the registry that holds the base image.

use super::Secret;

/// Address and credentials of the base image's registry (docs/azureml-2019.md#2.1,
/// `baseImageRegistry`). An address alone means an anonymous pull.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RegistryAccess {
    /// Host and port, as in `mcr.microsoft.com`.
    pub address: Option<String>,
    /// User or service principal.
    pub username: Option<String>,
    /// Its password.
    pub password: Option<Secret>,
}

impl RegistryAccess {
    /// Whether nothing is said at all.
    pub fn is_empty(&self) -> bool {
        self == &Self::default()
    }
}
