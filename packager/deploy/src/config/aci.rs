//! Settings of Azure Container Instances (docs/azureml-2019.md#3.2).

use serde::Serialize;

use super::fields::Fields;
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
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
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
            Some(resources) => Ok(resources.amount(key)?.unwrap_or(default)),
            None => Ok::<_, crate::Error>(default),
        };
        let auth_enabled = fields.boolean("authEnabled")?.unwrap_or(false);
        let dns_name_label = fields.text("dnsNameLabel")?;
        if dns_name_label.as_deref().is_some_and(|label| !is_dns_label(label)) {
            return Err(fields.bad(
                "dnsNameLabel",
                "at most 63 lower case letters, digits and `-`, with a letter or digit at both ends",
            ));
        }
        Ok(Self {
            cpu: amount("cpu", 0.1)?,
            memory_in_gb: amount("memoryInGB", 0.5)?,
            location: fields.text("location")?,
            auth_enabled,
            ssl: ssl(fields)?,
            app_insights_enabled: fields.boolean("appInsightsEnabled")?.unwrap_or(false),
            dns_name_label,
            keys: Keys::read(fields, auth_enabled)?,
            encryption: encryption(fields)?,
            network: network(fields)?,
        })
    }
}

fn ssl(fields: &Fields<'_>) -> Result<Option<Ssl>> {
    let read = [fields.text("sslCertificate")?, fields.text("sslKey")?, fields.text("cname")?];
    if !fields.boolean("sslEnabled")?.unwrap_or(false) {
        return Ok(None);
    }
    match read {
        [Some(certificate), Some(key), Some(cname)] => Ok(Some(Ssl { certificate, key, cname })),
        _ => Err(fields.conflict("`sslEnabled` needs `sslCertificate`, `sslKey` and `cname`")),
    }
}

fn encryption(fields: &Fields<'_>) -> Result<Option<CustomerKey>> {
    match [fields.text("vaultBaseUrl")?, fields.text("keyName")?, fields.text("keyVersion")?] {
        [Some(vault_base_url), Some(key_name), Some(key_version)] => {
            Ok(Some(CustomerKey { vault_base_url, key_name, key_version }))
        }
        [None, None, None] => Ok(None),
        _ => Err(fields.conflict(
            "`vaultBaseUrl`, `keyName` and `keyVersion` are given all three or not at all",
        )),
    }
}

fn network(fields: &Fields<'_>) -> Result<Option<VirtualNetwork>> {
    match (fields.text("vnetName")?, fields.text("subnetName")?) {
        (Some(vnet_name), Some(subnet_name)) => Ok(Some(VirtualNetwork { vnet_name, subnet_name })),
        (None, None) => Ok(None),
        _ => Err(fields.conflict("`vnetName` and `subnetName` are given both or not at all")),
    }
}

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
            "dc: `sslEnabled` needs `sslCertificate`, `sslKey` and `cname`"
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
                "dc: `containerResourceRequirements.cpu` is 0; expected a number above 0",
            ),
            (
                "containerResourceRequirements: {memoryInGB: \"1\"}",
                "dc: `containerResourceRequirements.memoryInGB` is the text \"1\"; expected a number above 0",
            ),
            ("keys: {primaryKey: a}", "dc: `keys` needs `authEnabled` to be true"),
            ("vnetName: a", "dc: `vnetName` and `subnetName` are given both or not at all"),
            (
                "keyName: a",
                "dc: `vaultBaseUrl`, `keyName` and `keyVersion` are given all three or not at all",
            ),
            (
                "dnsNameLabel: My_Label",
                "dc: `dnsNameLabel` is the text \"My_Label\"; expected at most 63 lower case letters, digits and `-`, with a letter or digit at both ends",
            ),
            ("authEnabled: 1", "dc: `authEnabled` is 1; expected true or false"),
            ("location: [a]", "dc: `location` is a list; expected text"),
        ] {
            let error = parse(&format!("computeType: aci\n{line}\n")).unwrap_err();
            assert_eq!(error.to_string(), message);
        }
    }
}
