//! The deployment configuration: the compute target and its settings (docs/azureml-2019.md#3).

mod aci;
mod aci_document;
mod aks;
mod aks_document;
mod aks_endpoint;
mod fields;
mod flags;
mod hidden;
mod iot;
mod keys;
mod local;
mod scale;

use std::path::Path;

use mlpack_documents::{Fields, Value};
use serde::Serialize;

pub use aci::{AciConfig, CustomerKey, Ssl, VirtualNetwork};
pub use aks::{AksConfig, DataCollection, LivenessProbe};
pub use aks_endpoint::AksEndpointConfig;
pub use flags::{FLAGS, FlagKind, FlagSpec, Setting};
pub use iot::{IotConfig, IotModule, RegistryLogin};
pub use keys::Keys;
pub use local::{LocalConfig, TlsFiles};
pub use mlpack_documents::{Document, Ignored, Scalar, read_text};
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

/// The compute types.
const COMPUTE_TYPES: [&str; 5] = ["local", "aci", "aks", "aksendpoint", "iot"];

/// The key that decides which others are known.
const KEY: &str = "computeType";

/// Returns the keys that a compute type knows; none for one that does not exist.
fn keys_of(kind: &str) -> Vec<&'static str> {
    match kind {
        "local" => local::KEYS.to_vec(),
        "aci" => aci::KEYS.to_vec(),
        "aks" => aks::KEYS.to_vec(),
        "aksendpoint" => aks_endpoint::keys(),
        "iot" => iot::KEYS.to_vec(),
        _ => Vec::new(),
    }
}

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
            return Err(fields.wrong_type(kind, "the name of a compute type").into());
        };
        let kind = kind.text.to_lowercase();
        let all: Vec<_> = COMPUTE_TYPES.iter().flat_map(|kind| keys_of(kind)).collect();
        let read = match &*kind {
            "local" => |fields: &Fields<'_>| LocalConfig::read(fields).map(Self::Local),
            "aci" => |fields: &Fields<'_>| AciConfig::read(fields).map(Self::Aci),
            "aks" => |fields: &Fields<'_>| AksConfig::read(fields).map(Self::Aks),
            "aksendpoint" => {
                |fields: &Fields<'_>| AksEndpointConfig::read(fields).map(Self::AksEndpoint)
            }
            "iot" => |fields: &Fields<'_>| IotConfig::read(fields).map(Self::Iot),
            _ => {
                let expected = format!("one of {}", COMPUTE_TYPES.join(", "));
                return Err(fields.invalid(KEY, &expected).into());
            }
        };
        let ignored = fields.ignored(&keys_of(&kind), &all, IGNORED_BY_AZURE)?;
        let config = read(&fields)?;
        Ok((config, ignored))
    }

    /// Sets what flags give in a document, whose compute type is known. Those without a meaning for it are returned.
    pub fn set_flags<'a>(document: &mut Document, settings: &'a [Setting]) -> Vec<&'a Setting> {
        let kind = compute_type(document).map(str::to_lowercase).unwrap_or_default();
        let known = keys_of(&kind);
        let (set, without_effect): (Vec<_>, Vec<_>) =
            settings.iter().partition(|setting| known.contains(&setting.spec.keys[0]));
        for setting in set {
            document.set(setting.spec.keys, setting.scalar());
        }
        without_effect
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

/// Returns the compute type of a document as it is written.
pub fn compute_type(document: &Document) -> Option<&str> {
    Fields::of(document).ok()?.entry(KEY)?.node.scalar()
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
        assert_eq!(written["keys"], serde_json::Value::Null);
        let DeploymentConfig::Aks(config) = config else { panic!("not aks") };
        assert_eq!(config.keys.primary_key.unwrap().reveal(), "hush");
    }
}
