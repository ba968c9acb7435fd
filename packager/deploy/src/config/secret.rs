//! Text that must not be printed.

use std::fmt;

use serde::{Serialize, Serializer};

use super::fields::Fields;
use crate::Result;

/// A key or password. It prints as `***`, also when serialised.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub(super) fn new(text: String) -> Self {
        Self(text)
    }

    /// The text itself, for the request that needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("***")
    }
}

/// The two keys a client may authenticate with; Azure makes them if they are not given.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Keys {
    /// `keys.primaryKey`.
    pub primary_key: Option<Secret>,
    /// `keys.secondaryKey`.
    pub secondary_key: Option<Secret>,
}

impl Keys {
    /// Reads `keys`, which needs authentication by key to be on.
    pub(super) fn read(fields: &Fields<'_>, auth_enabled: bool) -> Result<Self> {
        let Some(keys) = fields.mapping("keys", &["primaryKey", "secondaryKey"])? else {
            return Ok(Self::default());
        };
        let secret = |key| Ok::<_, crate::Error>(keys.text(key)?.map(Secret::new));
        let read =
            Self { primary_key: secret("primaryKey")?, secondary_key: secret("secondaryKey")? };
        if read != Self::default() && !auth_enabled {
            return Err(fields.conflict("`keys` needs `authEnabled` to be true"));
        }
        Ok(read)
    }
}
