//! Settings of the local target (docs/azureml-2019.md#3.1). Azure ML knew `computeType` and `port`; the others have the
//! names and the meaning that ACI and AKS give them, and the image's front door acts on them.

use mlpack_documents::Fields;
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::fields::{boolean, text};
use super::keys::Keys;
use crate::Result;

const RESOURCES: &str = "containerResourceRequirements";

pub(super) const KEYS: &[&str] = &[
    "computeType",
    "port",
    RESOURCES,
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

/// A container in the Docker engine of this machine. Serialised as a configuration, without the keys.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LocalConfig {
    /// Port of 127.0.0.1; a free one if it is not given.
    pub port: Option<u16>,
    /// Most CPU cores of the container; all of this machine if it is not given.
    pub cpu: Option<f64>,
    /// Most memory of the container, in GB of 2^30 bytes.
    pub memory_in_gb: Option<f64>,
    /// Whether a request needs a key. Off by default here.
    pub auth_enabled: bool,
    /// Keys of the service; what is not given is generated.
    pub keys: Keys,
    /// Certificate and key files; plain HTTP without.
    pub tls: Option<TlsFiles>,
    /// Time limit of a request, in milliseconds.
    pub scoring_timeout_ms: Option<u32>,
    /// Requests that run at once.
    pub max_concurrent_requests_per_container: Option<u32>,
    /// Time that a request may wait, in milliseconds.
    pub max_queue_wait_ms: Option<u32>,
}

impl Serialize for LocalConfig {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let mut entry = |key: &str, value: Option<Value>| match value {
            Some(value) => map.serialize_entry(key, &value),
            None => Ok(()),
        };
        let resources = [("cpu", self.cpu), ("memoryInGB", self.memory_in_gb)];
        let resources =
            resources.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?.into())));
        let resources: Map<String, Value> = resources.collect();
        let tls = self.tls.as_ref();
        entry("port", self.port.map(Value::from))?;
        entry(RESOURCES, (!resources.is_empty()).then_some(Value::Object(resources)))?;
        entry("authEnabled", self.auth_enabled.then_some(true.into()))?;
        entry("sslEnabled", tls.map(|_| true.into()))?;
        entry("sslCertificate", tls.map(|tls| tls.certificate.as_str().into()))?;
        entry("sslKey", tls.map(|tls| tls.key.as_str().into()))?;
        entry("scoringTimeoutMs", self.scoring_timeout_ms.map(Value::from))?;
        let concurrent = self.max_concurrent_requests_per_container;
        entry("maxConcurrentRequestsPerContainer", concurrent.map(Value::from))?;
        entry("maxQueueWaitMs", self.max_queue_wait_ms.map(Value::from))?;
        map.end()
    }
}

/// PEM files of a certificate and its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate, followed by those of its issuers.
    pub certificate: String,
    /// Its private key.
    pub key: String,
}

impl LocalConfig {
    pub(super) fn read(fields: &Fields<'_>) -> Result<Self> {
        let port = fields.whole("port", 1..=u32::from(u16::MAX))?;
        let resources = fields.mapping(RESOURCES, &["cpu", "memoryInGB"])?;
        let amount = |key| resources.as_ref().map_or(Ok(None), |resources| resources.positive(key));
        let count = |key| fields.whole(key, 1..=u32::MAX);
        let auth_enabled = boolean(fields, "authEnabled")?.unwrap_or(false);
        Ok(Self {
            port: port.and_then(|port| port.try_into().ok()),
            cpu: amount("cpu")?,
            memory_in_gb: amount("memoryInGB")?,
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
        let Self { port, cpu, memory_in_gb, .. } = *self;
        *self != Self { port, cpu, memory_in_gb, ..Self::default() }
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
