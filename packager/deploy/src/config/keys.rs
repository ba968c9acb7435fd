//! The keys of a service.

use mlpack_documents::Fields;
use mlpack_oci::Secret;
use serde::Serialize;

use super::fields::text;
use super::hidden;
use crate::Result;

/// The two keys a client may authenticate with; Azure makes them if they are not given.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Keys {
    /// `keys.primaryKey`.
    #[serde(serialize_with = "hidden::optional")]
    pub primary_key: Option<Secret>,
    /// `keys.secondaryKey`.
    #[serde(serialize_with = "hidden::optional")]
    pub secondary_key: Option<Secret>,
}

impl Keys {
    /// Whether neither key is given.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Reads `keys`, which needs authentication by key to be on.
    pub(super) fn read(fields: &Fields<'_>, auth_enabled: bool) -> Result<Self> {
        let Some(keys) = fields.mapping("keys", &["primaryKey", "secondaryKey"])? else {
            return Ok(Self::default());
        };
        let secret = |key| Ok::<_, crate::Error>(text(&keys, key)?.map(Secret::new));
        let read =
            Self { primary_key: secret("primaryKey")?, secondary_key: secret("secondaryKey")? };
        if read != Self::default() && !auth_enabled {
            return Err(fields.conflict("keys", "`keys` needs `authEnabled` to be true").into());
        }
        Ok(read)
    }
}
