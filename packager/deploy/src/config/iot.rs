//! Settings of an IoT Edge device (docs/azureml-2019.md#3.4).

use std::collections::BTreeMap;

use mlpack_documents::{Entry, Fields, Node, Value};
use mlpack_oci::Secret;
use serde::Serialize;
use serde_json::{Map, Value as Json};

use super::fields::required;
use super::hidden;
use crate::Result;

pub(super) const KEYS: &[&str] =
    &["computeType", "amlModule", "externalModules", "routes", "iotDeviceId", "acrCredentials"];
const MODULE_KEYS: [&str; 4] =
    ["moduleName", "createOptions", "environmentVariables", "propertiesDesired"];

/// A module on an IoT Edge device.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IotConfig {
    /// The module that serves the model.
    pub aml_module: IotModule,
    /// Other modules on the same device.
    pub external_modules: Vec<IotModule>,
    /// Routes of messages by name.
    pub routes: BTreeMap<String, String>,
    /// The device.
    pub iot_device_id: String,
    /// Where the device may pull from.
    pub acr_credentials: Vec<RegistryLogin>,
}

/// One module.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IotModule {
    /// Its name on the device.
    pub module_name: String,
    /// Its image; none for the module that serves the model.
    pub image_location: Option<String>,
    /// Options of its container, as Docker's API takes them.
    pub create_options: Option<Map<String, Json>>,
    /// Its environment. The values may be secrets and are not printed.
    #[serde(serialize_with = "hidden::named")]
    pub environment_variables: BTreeMap<String, Secret>,
    /// Desired properties of its twin.
    pub properties_desired: Option<Map<String, Json>>,
}

/// Login of a registry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RegistryLogin {
    /// Host of the registry.
    pub location: String,
    /// User name.
    pub user: String,
    /// Password.
    #[serde(serialize_with = "hidden::secret")]
    pub password: Secret,
}

impl IotConfig {
    pub(super) fn read(fields: &Fields<'_>) -> Result<Self> {
        let module = fields
            .mapping("amlModule", &MODULE_KEYS)?
            .ok_or_else(|| fields.missing("amlModule"))?;
        let routes = routes(fields)?;
        let iot_device_id = required(fields, "iotDeviceId")?;
        let external_keys = [&["imageLocation"], &MODULE_KEYS[..]].concat();
        let external_modules = fields
            .mappings("externalModules", &external_keys)?
            .iter()
            .map(|module| read_module(module, Some(required(module, "imageLocation")?)))
            .collect::<Result<_>>()?;
        let acr_credentials = fields
            .mappings("acrCredentials", &["location", "user", "password"])?
            .iter()
            .map(|login| {
                Ok(RegistryLogin {
                    location: required(login, "location")?,
                    user: required(login, "user")?,
                    password: Secret::new(required(login, "password")?),
                })
            })
            .collect::<Result<_>>()?;
        let aml_module = read_module(&module, None)?;
        Ok(Self { aml_module, external_modules, routes, iot_device_id, acr_credentials })
    }
}

fn routes(fields: &Fields<'_>) -> Result<BTreeMap<String, String>> {
    let routes = fields.free_mapping("routes")?.ok_or_else(|| fields.missing("routes"))?;
    if routes.entries().is_empty() {
        return Err(fields.invalid("routes", "a mapping with at least one route").into());
    }
    let route = |entry: &Entry| match routes.text(&entry.key)? {
        Some(route) => Ok((entry.key.clone(), route.value)),
        None => Err(routes.wrong_type(entry, "text").into()),
    };
    routes.entries().iter().map(route).collect()
}

fn read_module(fields: &Fields<'_>, image_location: Option<String>) -> Result<IotModule> {
    let variables = fields.free_mapping("environmentVariables")?;
    let environment_variables = variables
        .iter()
        .flat_map(|variables| variables.entries().iter().map(move |entry| (variables, entry)))
        .map(|(variables, entry)| {
            // IoT Edge itself writes `{"NAME": {"value": "text"}}`; both forms are read.
            let node = match &entry.node.value {
                Value::Map(inner) => inner.iter().find(|inner| inner.key == "value"),
                _ => None,
            };
            let text = node.map_or(&entry.node, |inner| &inner.node).scalar();
            let text = text.ok_or_else(|| variables.wrong_type(entry, "text"))?;
            Ok((entry.key.clone(), Secret::new(text.to_owned())))
        })
        .collect::<Result<_>>()?;
    let properties = match fields.free_mapping("propertiesDesired")? {
        Some(_) => fields.entry("propertiesDesired").and_then(|entry| object(&entry.node)),
        None => None,
    };
    Ok(IotModule {
        module_name: required(fields, "moduleName")?,
        image_location,
        create_options: create_options(fields)?,
        environment_variables,
        properties_desired: properties,
    })
}

/// Reads options as a mapping, or as the JSON text that IoT Edge itself uses.
fn create_options(fields: &Fields<'_>) -> Result<Option<Map<String, Json>>> {
    let Some(entry) = fields.entry("createOptions") else { return Ok(None) };
    let options = match &entry.node.value {
        Value::Scalar(scalar) => serde_json::from_str(&scalar.text).ok(),
        _ => object(&entry.node),
    };
    let wrong = || fields.wrong_type(entry, "a mapping, or one as JSON text");
    options.map(Some).ok_or_else(|| wrong().into())
}

fn object(node: &Node) -> Option<Map<String, Json>> {
    match node.to_json() {
        Json::Object(map) => Some(map),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DeploymentConfig;

    const TEXT: &str = r#"{
        "computeType": "iot",
        "iotDeviceId": "device",
        "amlModule": {"moduleName": "ml", "createOptions": "{\"HostConfig\": {}}", "environmentVariables": {"A": "hush"}},
        "externalModules": [{"moduleName": "sensor", "imageLocation": "example.com/sensor:1"}],
        "routes": {"up": "FROM /messages/* INTO $upstream"},
        "acrCredentials": [{"location": "example.azurecr.io", "user": "u", "password": "hush"}]
    }"#;

    #[test]
    fn every_key_is_read() {
        let module = |name: &str| IotModule {
            module_name: name.to_owned(),
            image_location: None,
            create_options: None,
            environment_variables: BTreeMap::new(),
            properties_desired: None,
        };
        let options = Map::from_iter([("HostConfig".to_owned(), Json::Object(Map::new()))]);
        let expected = IotConfig {
            aml_module: IotModule {
                create_options: Some(options),
                environment_variables: BTreeMap::from([(
                    "A".to_owned(),
                    Secret::new("hush".to_owned()),
                )]),
                ..module("ml")
            },
            external_modules: vec![IotModule {
                image_location: Some("example.com/sensor:1".to_owned()),
                ..module("sensor")
            }],
            routes: BTreeMap::from([(
                "up".to_owned(),
                "FROM /messages/* INTO $upstream".to_owned(),
            )]),
            iot_device_id: "device".to_owned(),
            acr_credentials: vec![RegistryLogin {
                location: "example.azurecr.io".to_owned(),
                user: "u".to_owned(),
                password: Secret::new("hush".to_owned()),
            }],
        };
        let read = DeploymentConfig::parse(TEXT, "dc").unwrap();
        assert_eq!(read, DeploymentConfig::Iot(expected));
        assert!(!format!("{read:?}").contains("hush"));
    }

    #[test]
    fn what_is_missing_is_named() {
        for key in ["iotDeviceId", "amlModule", "routes"] {
            let mut document: Map<String, Json> = serde_json::from_str(TEXT).unwrap();
            document.remove(key);
            let text = serde_json::to_string(&document).unwrap();
            let error = DeploymentConfig::parse(&text, "dc").unwrap_err();
            assert_eq!(error.to_string(), format!("dc:1:1: missing key `{key}`"));
        }
        let text =
            TEXT.replace(r#""imageLocation": "example.com/sensor:1""#, r#""createOptions": {}"#);
        assert_eq!(
            DeploymentConfig::parse(&text, "dc").unwrap_err().to_string(),
            "dc:5:29: missing key `externalModules[0].imageLocation`"
        );
    }
}
