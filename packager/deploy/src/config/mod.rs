//! The deployment config: for which compute target, and how (Azure ML docs/azureml-2019.md#3).

mod aci;
mod aks;
mod aks_endpoint;
mod fields;
mod hidden;
mod iot;
mod keys;
mod local;
mod scale;

use serde::Serialize;
use serde_json::{Map, Value};

pub use aci::{AciConfig, CustomerKey, Ssl, VirtualNetwork};
pub use aks::{AksConfig, DataCollection, LivenessProbe};
pub use aks_endpoint::AksEndpointConfig;
pub use iot::{IotConfig, IotModule, RegistryLogin};
pub use keys::Keys;
pub use local::LocalConfig;
pub use mlpack_oci::Secret;
pub use scale::Scale;

use crate::{Error, Result};
use fields::Fields;

/// A deployment config, parsed and checked; every default is filled in.
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

impl DeploymentConfig {
    /// Reads a config from JSON or YAML text; `place` names it in messages.
    ///
    /// # Errors
    /// As [`parse_document`] and [`DeploymentConfig::from_document`].
    pub fn parse(text: &str, place: &str) -> Result<Self> {
        Self::from_document(&parse_document(text, place)?, place)
    }

    /// Checks a config that is parsed already, such as a file's with flags laid over it.
    ///
    /// # Errors
    /// [`Error::UnknownKey`], [`Error::MissingKey`], [`Error::Value`] or [`Error::Conflict`], the
    /// first that is met.
    pub fn from_document(document: &Map<String, Value>, place: &str) -> Result<Self> {
        // The compute type decides which keys are known, so it is read before the rest.
        let kind = match document.get("computeType") {
            None | Some(Value::Null) => {
                let nearest = document.keys().find(|key| key.eq_ignore_ascii_case("computeType"));
                return Err(match nearest {
                    Some(key) => Error::UnknownKey {
                        place: place.to_owned(),
                        key: key.clone(),
                        nearest: Some("computeType".to_owned()),
                        known: vec!["computeType"],
                    },
                    None => {
                        Error::MissingKey { place: place.to_owned(), key: "computeType".to_owned() }
                    }
                });
            }
            Some(value) => value,
        };
        let expected = "one of local, aci, aks, aksendpoint, iot";
        let bad = || Error::Value {
            place: place.to_owned(),
            key: "computeType".to_owned(),
            found: fields::described(kind),
            expected: expected.to_owned(),
        };
        let fields = |known| Fields::new(place, document, known);
        match kind.as_str().ok_or_else(bad)?.to_lowercase().as_str() {
            "local" => LocalConfig::read(&fields(local::KEYS)?).map(Self::Local),
            "aci" => AciConfig::read(&fields(aci::KEYS)?).map(Self::Aci),
            "aks" => AksConfig::read(&fields(aks::KEYS)?).map(Self::Aks),
            "aksendpoint" => {
                AksEndpointConfig::read(&fields(aks_endpoint::KEYS)?).map(Self::AksEndpoint)
            }
            "iot" => IotConfig::read(&fields(iot::KEYS)?).map(Self::Iot),
            _ => Err(bad()),
        }
    }

    /// The compute type as written in a config.
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

/// Parses JSON or YAML text into a mapping, without judging its keys. A byte order mark, as
/// Windows editors write it, is passed over.
///
/// # Errors
/// [`Error::Syntax`], with line and column.
pub fn parse_document(text: &str, place: &str) -> Result<Map<String, Value>> {
    let syntax = |reason: String| Error::Syntax { place: place.to_owned(), reason };
    let text = text.trim_start_matches('\u{feff}');
    // YAML takes JSON in, but not JSON's tabs, and its messages speak of YAML.
    let value: Value = if text.trim_start().starts_with('{') {
        serde_json::from_str(text).map_err(|error| syntax(error.to_string()))?
    } else {
        let options = serde_saphyr::options! { with_snippet: false };
        serde_saphyr::from_str_with_options(text, options)
            .map_err(|error| syntax(error.to_string()))?
    };
    match value {
        Value::Object(map) => Ok(map),
        Value::Null => Err(syntax("it is empty".to_owned())),
        other => Err(syntax(format!("it is {}, not keys with values", fields::described(&other)))),
    }
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
        let local = DeploymentConfig::Local(LocalConfig { port: Some(6789) });
        assert_eq!(parse("{\"computeType\": \"local\",\t\"port\": 6789}").unwrap(), local);
        assert_eq!(parse("computeType: LOCAL\nport: 6789\n").unwrap(), local);
        assert_eq!(parse("\u{feff}{\"computeType\":\"Local\",\"port\":6789}").unwrap(), local);
        assert_eq!(
            parse("computeType: local").unwrap(),
            DeploymentConfig::Local(LocalConfig { port: None })
        );
    }

    #[test]
    fn an_unknown_key_names_the_nearest() {
        assert_eq!(
            refused(r#"{"computeType": "local", "prot": 1}"#),
            ("dc.json: unknown key `prot`".to_owned(), Some("did you mean `port`?".to_owned()))
        );
        assert_eq!(
            refused(r#"{"computeType": "aks", "autoScaler": {"minreplicas": 1}}"#),
            (
                "dc.json: unknown key `autoScaler.minreplicas`".to_owned(),
                Some("did you mean `autoScaler.minReplicas`?".to_owned())
            )
        );
        assert_eq!(
            refused(r#"{"computetype": "aks"}"#).1,
            Some("did you mean `computeType`?".to_owned())
        );
        assert_eq!(
            refused(r#"{"computeType": "local", "zzzzzzzz": 1}"#).1,
            Some("the keys are computeType, port".to_owned())
        );
    }

    #[test]
    fn bad_documents_say_what_is_wrong() {
        for (text, message) in [
            ("", "dc.json cannot be read: it is empty"),
            ("[1]", "dc.json cannot be read: it is a list, not keys with values"),
            ("{\"a\": }", "dc.json cannot be read: expected value at line 1 column 7"),
            ("port: 1", "dc.json: the key `computeType` is missing"),
            (
                "computeType: acs",
                "dc.json: `computeType` is the text \"acs\"; expected one of local, aci, aks, aksendpoint, iot",
            ),
            (
                r#"{"computeType": "local", "port": "6789"}"#,
                "dc.json: `port` is the text \"6789\"; expected a whole number from 1 to 65535",
            ),
            (
                r#"{"computeType": "local", "port": 0}"#,
                "dc.json: `port` is 0; expected a whole number from 1 to 65535",
            ),
            (
                r#"{"computeType": "local", "port": 65536}"#,
                "dc.json: `port` is 65536; expected a whole number from 1 to 65535",
            ),
            (
                r#"{"computeType": "local", "port": 1.5}"#,
                "dc.json: `port` is 1.5; expected a whole number from 1 to 65535",
            ),
        ] {
            assert_eq!(refused(text).0, message);
        }
        assert!(refused("a: [1").0.starts_with("dc.json cannot be read: "));
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
