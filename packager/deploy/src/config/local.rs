//! Settings of the local target (docs/azureml-2019.md#3.1). Azure ML knew `computeType` and `port`; the others have the
//! names and the meaning that ACI and AKS give them, and the image's front door acts on them.

use mlpack_documents::Fields;
use serde::Serialize;

use super::fields::{boolean, text};
use super::keys::Keys;
use crate::Result;

pub(super) const KEYS: &[&str] = &[
    "computeType",
    "port",
    "authEnabled",
    "keys",
    "sslEnabled",
    "sslCertificate",
    "sslKey",
    "cname",
    "scoringTimeoutMs",
    "maxConcurrentRequestsPerContainer",
    "maxQueueWaitMs",
];

/// A container in the Docker engine of this machine.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LocalConfig {
    /// Port of 127.0.0.1; a free one if it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Whether a request needs a key. Off by default here.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub auth_enabled: bool,
    /// Keys of the service; what is not given is generated.
    #[serde(skip_serializing_if = "Keys::is_empty")]
    pub keys: Keys,
    /// Certificate and key files; plain HTTP without.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsFiles>,
    /// Time limit of a request, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scoring_timeout_ms: Option<u32>,
    /// Requests that run at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_concurrent_requests_per_container: Option<u32>,
    /// Time that a request may wait, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_queue_wait_ms: Option<u32>,
}

/// PEM files of a certificate and its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TlsFiles {
    /// The certificate, followed by those of its issuers.
    pub certificate: String,
    /// Its private key.
    pub key: String,
}

impl LocalConfig {
    pub(super) fn read(fields: &Fields<'_>) -> Result<Self> {
        let port = fields.whole("port", 1..=u32::from(u16::MAX))?;
        let count = |key| fields.whole(key, 1..=u32::MAX);
        let auth_enabled = boolean(fields, "authEnabled")?.unwrap_or(false);
        Ok(Self {
            port: port.and_then(|port| port.try_into().ok()),
            auth_enabled,
            keys: Keys::read(fields, auth_enabled)?,
            tls: tls(fields)?,
            scoring_timeout_ms: count("scoringTimeoutMs")?,
            max_concurrent_requests_per_container: count("maxConcurrentRequestsPerContainer")?,
            max_queue_wait_ms: count("maxQueueWaitMs")?,
        })
    }

    /// Whether the image needs the front door for one of the settings.
    pub fn needs_front_door(&self) -> bool {
        *self != Self { port: self.port, ..Self::default() }
    }
}

/// Reads the files of TLS. The host name, which Azure needs, has no meaning here.
fn tls(fields: &Fields<'_>) -> Result<Option<TlsFiles>> {
    text(fields, "cname")?;
    let read = (text(fields, "sslCertificate")?, text(fields, "sslKey")?);
    if !boolean(fields, "sslEnabled")?.unwrap_or(false) {
        return Ok(None);
    }
    match read {
        (Some(certificate), Some(key)) => Ok(Some(TlsFiles { certificate, key })),
        _ => Err(fields
            .conflict("sslEnabled", "`sslEnabled` needs `sslCertificate` and `sslKey`")
            .into()),
    }
}
