//! Settings of Azure Container Instances (docs/azureml-2019.md#3.2).

use mlpack_documents::Fields;
use serde::Serialize;

use super::fields::{boolean, text};
use super::keys::Keys;
use crate::Result;

pub(super) const KEYS: &[&str] = &[
    "computeType",
    "containerResourceRequirements",
    "location",
    "authEnabled",
    "sslEnabled",
    "sslCertificate",
    "sslKey",
    "cname",
    "appInsightsEnabled",
    "dnsNameLabel",
    "keys",
    "vaultBaseUrl",
    "keyName",
    "keyVersion",
    "vnetName",
    "subnetName",
];

/// A container group of Azure Container Instances.
#[derive(Debug, Clone, PartialEq)]
pub struct AciConfig {
    /// Cores.
    pub cpu: f64,
    /// Memory in gigabytes.
    pub memory_in_gb: f64,
    /// Azure region; the workspace's if it is not given.
    pub location: Option<String>,
    /// Whether a request needs a key. Off by default here.
    pub auth_enabled: bool,
    /// TLS.
    pub ssl: Option<Ssl>,
    /// Whether Application Insights gets the log.
    pub app_insights_enabled: bool,
    /// First label of the host name.
    pub dns_name_label: Option<String>,
    /// Keys of the service.
    pub keys: Keys,
    /// Key that encrypts the container group.
    pub encryption: Option<CustomerKey>,
    /// Network to join.
    pub network: Option<VirtualNetwork>,
}

/// Certificate and key files (PEM) and the host name they are for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ssl {
    /// File with the certificate.
    pub certificate: String,
    /// File with the private key.
    pub key: String,
    /// Host name.
    pub cname: String,
}

/// A key in a vault of the customer's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CustomerKey {
    /// URL of the vault.
    pub vault_base_url: String,
    /// Name of the key.
    pub key_name: String,
    /// Version of the key.
    pub key_version: String,
}

/// A subnet of a virtual network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VirtualNetwork {
    /// Name of the network.
    pub vnet_name: String,
    /// Name of its subnet.
    pub subnet_name: String,
}

impl AciConfig {
    pub(super) fn read(fields: &Fields<'_>) -> Result<Self> {
        let resources = fields.mapping("containerResourceRequirements", &["cpu", "memoryInGB"])?;
        let amount = |key, default| match &resources {
            Some(resources) => Ok(resources.positive(key)?.unwrap_or(default)),
            None => Ok::<_, crate::Error>(default),
        };
        let auth_enabled = boolean(fields, "authEnabled")?.unwrap_or(false);
        let dns_name_label = text(fields, "dnsNameLabel")?;
        if dns_name_label.as_deref().is_some_and(|label| !is_dns_label(label)) {
            return Err(fields.invalid("dnsNameLabel", DNS_LABEL).into());
        }
        Ok(Self {
            cpu: amount("cpu", 0.1)?,
            memory_in_gb: amount("memoryInGB", 0.5)?,
            location: text(fields, "location")?,
            auth_enabled,
            ssl: ssl(fields)?,
            app_insights_enabled: boolean(fields, "appInsightsEnabled")?.unwrap_or(false),
            dns_name_label,
            keys: Keys::read(fields, auth_enabled)?,
            encryption: encryption(fields)?,
            network: network(fields)?,
        })
    }
}

fn ssl(fields: &Fields<'_>) -> Result<Option<Ssl>> {
    let read = [text(fields, "sslCertificate")?, text(fields, "sslKey")?, text(fields, "cname")?];
    if !boolean(fields, "sslEnabled")?.unwrap_or(false) {
        return Ok(None);
    }
    match read {
        [Some(certificate), Some(key), Some(cname)] => Ok(Some(Ssl { certificate, key, cname })),
        _ => Err(fields
            .conflict("sslEnabled", "`sslEnabled` needs `sslCertificate`, `sslKey` and `cname`")
            .into()),
    }
}

fn encryption(fields: &Fields<'_>) -> Result<Option<CustomerKey>> {
    match [text(fields, "vaultBaseUrl")?, text(fields, "keyName")?, text(fields, "keyVersion")?] {
        [Some(vault_base_url), Some(key_name), Some(key_version)] => {
            Ok(Some(CustomerKey { vault_base_url, key_name, key_version }))
        }
        [None, None, None] => Ok(None),
        _ => {
            let reason = "`vaultBaseUrl`, `keyName` and `keyVersion` must be given together";
            Err(fields.conflict("keyName", reason).into())
        }
    }
}

fn network(fields: &Fields<'_>) -> Result<Option<VirtualNetwork>> {
    match (text(fields, "vnetName")?, text(fields, "subnetName")?) {
        (Some(vnet_name), Some(subnet_name)) => Ok(Some(VirtualNetwork { vnet_name, subnet_name })),
        (None, None) => Ok(None),
        _ => Err(fields
            .conflict("vnetName", "`vnetName` and `subnetName` must be given together")
            .into()),
    }
}

/// What a DNS label is, for messages.
pub(super) const DNS_LABEL: &str =
    "at most 63 lower case letters, digits and `-`, with a letter or digit at both ends";

/// A label as host names and Kubernetes names are made of (RFC 1123, section 2.1), lower case.
pub(super) fn is_dns_label(text: &str) -> bool {
    text.len() <= 63
        && text.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-')
        && !text.is_empty()
        && !text.starts_with('-')
        && !text.ends_with('-')
}

#[cfg(test)]
mod tests {
    use crate::DeploymentConfig;
    use crate::config::{AciConfig, Keys, Ssl};

    fn parse(text: &str) -> crate::Result<DeploymentConfig> {
        DeploymentConfig::parse(text, "dc")
    }

    #[test]
    fn defaults_are_those_of_the_contract() {
        let expected = AciConfig {
            cpu: 0.1,
            memory_in_gb: 0.5,
            location: None,
            auth_enabled: false,
            ssl: None,
            app_insights_enabled: false,
            dns_name_label: None,
            keys: Keys::default(),
            encryption: None,
            network: None,
        };
        assert_eq!(parse("computeType: aci").unwrap(), DeploymentConfig::Aci(expected));
    }

    #[test]
    fn ssl_is_whole_or_refused() {
        let text = "computeType: aci\nsslEnabled: true\nsslCertificate: c.pem\nsslKey: k.pem\n";
        assert_eq!(
            parse(text).unwrap_err().to_string(),
            "dc:2:1: `sslEnabled` needs `sslCertificate`, `sslKey` and `cname`"
        );
        let DeploymentConfig::Aci(config) = parse(&format!("{text}cname: a.example\n")).unwrap()
        else {
            panic!("not aci")
        };
        let ssl = Ssl {
            certificate: "c.pem".to_owned(),
            key: "k.pem".to_owned(),
            cname: "a.example".to_owned(),
        };
        assert_eq!(config.ssl, Some(ssl));
    }

    #[test]
    fn each_broken_rule_has_its_message() {
        for (line, message) in [
            (
                "containerResourceRequirements: {cpu: 0}",
                "dc:2:33: `containerResourceRequirements.cpu` must be a number above 0, found `0`",
            ),
            (
                "containerResourceRequirements: {memoryInGB: \"1\"}",
                "dc:2:33: `containerResourceRequirements.memoryInGB` must be a number above 0, found text",
            ),
            ("keys: {primaryKey: a}", "dc:2:1: `keys` needs `authEnabled` to be true"),
            ("vnetName: a", "dc:2:1: `vnetName` and `subnetName` must be given together"),
            (
                "keyName: a",
                "dc:2:1: `vaultBaseUrl`, `keyName` and `keyVersion` must be given together",
            ),
            (
                "dnsNameLabel: My_Label",
                "dc:2:1: `dnsNameLabel` must be at most 63 lower case letters, digits and `-`, with a letter or digit at both ends, found `My_Label`",
            ),
            ("authEnabled: 1", "dc:2:1: `authEnabled` must be true or false, found a number"),
            ("location: [a]", "dc:2:1: `location` must be text, found a list"),
        ] {
            let error = parse(&format!("computeType: aci\n{line}\n")).unwrap_err();
            assert_eq!(error.to_string(), message);
        }
    }
}
