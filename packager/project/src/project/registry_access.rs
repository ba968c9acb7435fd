//! How to get at the registry that holds the base image.

use super::document::Value;
use super::fields::{Fields, Located};
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
    /// Reads a key, which the documents wrote as text and the code as an object.
    pub(super) fn take(
        fields: &mut Fields<'_>,
        key: &'static str,
    ) -> Result<Option<Located<Self>>> {
        let line = fields.line(key);
        if matches!(fields.peek(key).map(|node| &node.value), Some(Value::Text(_))) {
            let address = fields.text(key)?.map(|address| address.value);
            return Ok(Some(Located { value: Self { address, ..Self::default() }, line }));
        }
        let Some(mut object) = fields.object(key, KEYS)? else { return Ok(None) };
        let mut text = |key| object.text(key).map(|text| text.map(|text| text.value));
        let value = Self {
            address: text("address")?,
            username: text("username")?,
            password: text("password")?.map(Secret::new),
        };
        Ok((value != Self::default()).then_some(Located { value, line }))
    }
}
