//! Address and login of the registry that holds the base image.

use mlpack_documents::{Fields, Located, Value};

use super::{Result, Secret};

const KEYS: &[&str] = &["address", "username", "password", "registryIdentity"];

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
    /// Reads `baseImageRegistry`, which the documentation writes as text and the SDK as a mapping.
    pub(super) fn read_key(
        fields: &Fields<'_>,
        key: &'static str,
    ) -> Result<Option<Located<Self>>> {
        let Some(entry) = fields.entry(key) else { return Ok(None) };
        let line = entry.at.line;
        if let Value::Scalar(_) = entry.node.value
            && let Ok(Some(address)) = fields.text(key)
        {
            let value = Self { address: Some(address.value), ..Self::default() };
            return Ok(Some(Located { value, line }));
        }
        let Some(keys) = fields.mapping(key, KEYS)? else { return Ok(None) };
        let text = |key| keys.text(key).map(|text| text.map(|text| text.value));
        let value = Self {
            address: text("address")?,
            username: text("username")?,
            password: text("password")?.map(Secret::new),
        };
        Ok((value != Self::default()).then_some(Located { value, line }))
    }
}
