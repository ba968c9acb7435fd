//! The deployment configuration: the compute target and its settings (docs/azureml-2019.md#3).

mod aci;
mod aks;
mod aks_endpoint;
mod fields;
mod hidden;
mod iot;
mod keys;
mod local;
mod scale;

use std::path::Path;

use mlpack_documents::{Document, Fields, Value};
use serde::Serialize;

pub use aci::{AciConfig, CustomerKey, Ssl, VirtualNetwork};
pub use aks::{AksConfig, DataCollection, LivenessProbe};
pub use aks_endpoint::AksEndpointConfig;
pub use iot::{IotConfig, IotModule, RegistryLogin};
pub use keys::Keys;
pub use local::{LocalConfig, TlsFiles};
pub use mlpack_documents::{Ignored, Scalar, read_text};
pub use mlpack_oci::Secret;
pub use scale::Scale;

use crate::Result;

/// A deployment configuration, parsed and checked; every default is filled in.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "computeType", rename_all = "lowercase")]
pub enum DeploymentConfig {
    /// A container in the Docker engine of this machine.
    Local(LocalConfig),
    /// Azure Container Instances.
    Aci(AciConfig),
    /// Azure Kubernetes Service.
    Aks(AksConfig),
    /// A version behind an endpoint on Azure Kubernetes Service.
    AksEndpoint(AksEndpointConfig),
    /// A module of an IoT Edge device.
    Iot(IotConfig),
}

/// Keys that users' files have and that the Azure CLI ignored where they do not belong: TLS of AKS is set for the cluster.
const IGNORED_BY_AZURE: &[&str] = &["sslEnabled", "enableAppInsights"];

/// The compute types, for messages.
const COMPUTE_TYPES: &str = "one of local, aci, aks, aksendpoint, iot";

impl DeploymentConfig {
    /// Parses JSON or YAML text; `place` names it in messages.
    ///
    /// # Errors
    /// As [`parse_document`] and [`DeploymentConfig::from_document`].
    pub fn parse(text: &str, place: &str) -> Result<Self> {
        Ok(Self::from_document(&parse_document(text, place)?)?.0)
    }

    /// Reads a document that is parsed already, such as a file's with the flags set in it. Keys without effect are
    /// returned.
    ///
    /// # Errors
    /// [`Error::Document`](crate::Error::Document) for the first key or value that is not valid.
    pub fn from_document(document: &Document) -> Result<(Self, Vec<Ignored>)> {
        const KEY: &str = "computeType";
        let fields = Fields::of(document)?;
        // The compute type decides which keys are known, so it is read first.
        let Some(kind) = fields.entry(KEY) else {
            let misspelled =
                fields.entries().iter().find(|entry| entry.key.eq_ignore_ascii_case(KEY));
            return Err(match misspelled.filter(|entry| entry.key != KEY) {
                Some(entry) => fields.unknown(entry, &[KEY]).into(),
                None => fields.missing(KEY).into(),
            });
        };
        let Value::Scalar(kind) = &kind.node.value else {
            return Err(fields.wrong_type(kind, COMPUTE_TYPES).into());
        };
        let all = [local::KEYS, aci::KEYS, &aks_endpoint::keys(), iot::KEYS].concat();
        let mut ignored = Vec::new();
        let mut known = |known: &[&'static str]| {
            fields.ignored(known, &all, IGNORED_BY_AZURE).map(|keys| ignored = keys)
        };
        let config = match kind.text.to_lowercase().as_str() {
            "local" => {
                known(local::KEYS)?;
                Self::Local(LocalConfig::read(&fields)?)
            }
            "aci" => {
                known(aci::KEYS)?;
                Self::Aci(AciConfig::read(&fields)?)
            }
            "aks" => {
                known(aks::KEYS)?;
                Self::Aks(AksConfig::read(&fields)?)
            }
            "aksendpoint" => {
                known(&aks_endpoint::keys())?;
                Self::AksEndpoint(AksEndpointConfig::read(&fields)?)
            }
            "iot" => {
                known(iot::KEYS)?;
                Self::Iot(IotConfig::read(&fields)?)
            }
            _ => return Err(fields.invalid(KEY, COMPUTE_TYPES).into()),
        };
        Ok((config, ignored))
    }

    /// The compute type as written in a configuration.
    pub fn compute_type(&self) -> &'static str {
        match self {
            Self::Local(_) => "local",
            Self::Aci(_) => "aci",
            Self::Aks(_) => "aks",
            Self::AksEndpoint(_) => "aksendpoint",
            Self::Iot(_) => "iot",
        }
    }
}

impl Default for DeploymentConfig {
    fn default() -> Self {
        Self::Local(LocalConfig::default())
    }
}

/// Parses YAML or JSON text without checking its keys.
///
/// # Errors
/// [`Error::Document`](crate::Error::Document) with line and column.
pub fn parse_document(text: &str, place: &str) -> Result<Document> {
    Ok(Document::parse_configuration(Path::new(place), text)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<DeploymentConfig> {
        DeploymentConfig::parse(text, "dc.json")
    }

    fn refused(text: &str) -> (String, Option<String>) {
        let error = parse(text).unwrap_err();
        (error.to_string(), error.hint())
    }

    #[test]
    fn json_and_yaml_say_the_same() {
        let local =
            DeploymentConfig::Local(LocalConfig { port: Some(6789), ..LocalConfig::default() });
        assert_eq!(parse("{\"computeType\": \"local\",\t\"port\": 6789}").unwrap(), local);
        assert_eq!(parse("computeType: LOCAL\nport: 6789\n").unwrap(), local);
        assert_eq!(parse("\u{feff}{\"computeType\":\"Local\",\"port\":6789}").unwrap(), local);
        assert_eq!(
            parse("computeType: local").unwrap(),
            DeploymentConfig::Local(LocalConfig::default())
        );
    }

    #[test]
    fn an_unknown_key_names_the_nearest() {
        assert_eq!(
            refused(r#"{"computeType": "local", "prot": 1}"#),
            (
                "dc.json:1:26: unknown key `prot`".to_owned(),
                Some("did you mean `port`?".to_owned())
            )
        );
        assert_eq!(
            refused(r#"{"computeType": "aks", "autoScaler": {"minreplicas": 1}}"#),
            (
                "dc.json:1:39: unknown key `autoScaler.minreplicas`".to_owned(),
                Some("did you mean `minReplicas`?".to_owned())
            )
        );
        assert_eq!(
            refused(r#"{"computetype": "aks"}"#).1,
            Some("did you mean `computeType`?".to_owned())
        );
    }

    #[test]
    fn what_azure_ignored_is_ignored_unless_it_would_change_the_deployment() {
        let ignored = |text: &str| {
            let document = parse_document(text, "dc.yml").unwrap();
            let (_, ignored) = DeploymentConfig::from_document(&document).unwrap();
            ignored
                .iter()
                .map(|ignored| format!("{} {}", ignored.place, ignored.key))
                .collect::<Vec<_>>()
        };
        let aks = "computeType: aks\nsslEnabled: true\nenableAppInsights: true\nschemaFile:\nzzzzzzzz: 1\n";
        assert_eq!(
            ignored(aks),
            ["dc.yml:2:1 sslEnabled", "dc.yml:3:1 enableAppInsights", "dc.yml:5:1 zzzzzzzz"]
        );
        // Keys of another compute type, and with a comma after the last one.
        let refused = refused(r#"{"computeType": "aci", "numReplicas": 3,}"#);
        assert_eq!(refused.0, "dc.json:1:24: unknown key `numReplicas`");
    }

    #[test]
    fn bad_documents_say_what_is_wrong() {
        for (text, message) in [
            ("", "dc.json:1:1: expected a mapping of keys to values, found nothing"),
            ("[1]", "dc.json:1:1: expected a mapping of keys to values, found a list"),
            ("{\"a\": ]", "dc.json:1:7: expected value"),
            ("port: 1", "dc.json:1:1: missing key `computeType`"),
            (
                "computeType: acs",
                "dc.json:1:1: `computeType` must be one of local, aci, aks, aksendpoint, iot, found `acs`",
            ),
            (
                r#"{"computeType": "local", "port": "6789"}"#,
                "dc.json:1:26: `port` must be a whole number from 1 to 65535, found text",
            ),
            (
                r#"{"computeType": "local", "port": 0}"#,
                "dc.json:1:26: `port` must be a whole number from 1 to 65535, found `0`",
            ),
            (
                r#"{"computeType": "local", "port": 65536}"#,
                "dc.json:1:26: `port` must be a whole number from 1 to 65535, found `65536`",
            ),
            (
                r#"{"computeType": "local", "port": 1.5}"#,
                "dc.json:1:26: `port` must be a whole number from 1 to 65535, found `1.5`",
            ),
        ] {
            assert_eq!(refused(text).0, message);
        }
        assert!(refused("a: [1").0.starts_with("dc.json:1:"));
    }

    #[test]
    fn secrets_are_never_printed() {
        let config =
            parse(r#"{"computeType":"aks","keys":{"primaryKey":"hush","secondaryKey":"quiet"}}"#)
                .unwrap();
        let shown = format!("{config:?}");
        assert!(!shown.contains("hush") && !shown.contains("quiet"), "{shown}");
        let written = serde_json::to_value(&config).unwrap();
        assert_eq!(
            written["keys"],
            serde_json::json!({"primaryKey": "***", "secondaryKey": "***"})
        );
        let DeploymentConfig::Aks(config) = config else { panic!("not aks") };
        assert_eq!(config.keys.primary_key.unwrap().reveal(), "hush");
    }
}
