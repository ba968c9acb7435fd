//! Settings of the local target (docs/azureml-2019.md#3.1).

use mlpack_documents::Fields;
use serde::Serialize;

use crate::Result;

pub(super) const KEYS: &[&str] = &["computeType", "port"];

/// A container in the Docker engine of this machine.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LocalConfig {
    /// Port of 127.0.0.1; a free one if it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
}

impl LocalConfig {
    pub(super) fn read(fields: &Fields<'_>) -> Result<Self> {
        let port = fields.whole("port", 1..=u32::from(u16::MAX))?;
        Ok(Self { port: port.and_then(|port| port.try_into().ok()) })
    }
}
