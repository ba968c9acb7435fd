//! Settings of an IoT Edge device (docs/azureml-2019.md#3.4).

use std::collections::BTreeMap;

use mlpack_oci::Secret;
use serde::Serialize;
use serde_json::{Map, Value};

use super::fields::Fields;
use super::hidden;
use crate::Result;

pub(super) const KEYS: &[&str] =
    &["computeType", "amlModule", "externalModules", "routes", "iotDeviceId", "acrCredentials"];

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
    pub create_options: Option<Map<String, Value>>,
    /// Its environment. The values may be secrets and are not printed.
    #[serde(serialize_with = "hidden::named")]
    pub environment_variables: BTreeMap<String, Secret>,
    /// Desired properties of its twin.
    pub properties_desired: Option<Map<String, Value>>,
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
        let keys = ["moduleName", "createOptions", "environmentVariables", "propertiesDesired"];
        let module =
            fields.mapping("amlModule", &keys)?.ok_or_else(|| fields.missing("amlModule"))?;
        let routes = routes(fields)?;
        let device = fields.text("iotDeviceId")?.ok_or_else(|| fields.missing("iotDeviceId"))?;
        let external = [
            "moduleName",
            "imageLocation",
            "createOptions",
            "environmentVariables",
            "propertiesDesired",
        ];
        let external_modules = fields
            .mappings("externalModules", &external)?
            .iter()
            .map(|fields| {
                let image = fields.text("imageLocation")?;
                let image = image.ok_or_else(|| fields.missing("imageLocation"))?;
                read_module(fields, Some(image))
            })
            .collect::<Result<_>>()?;
        let acr_credentials = fields
            .mappings("acrCredentials", &["location", "user", "password"])?
            .iter()
            .map(|fields| {
                let text = |key| fields.text(key)?.ok_or_else(|| fields.missing(key));
                Ok(RegistryLogin {
                    location: text("location")?,
                    user: text("user")?,
                    password: Secret::new(text("password")?),
                })
            })
            .collect::<Result<_>>()?;
        Ok(Self {
            aml_module: read_module(&module, None)?,
            external_modules,
            routes,
            iot_device_id: device,
            acr_credentials,
        })
    }
}

fn routes(fields: &Fields<'_>) -> Result<BTreeMap<String, String>> {
    let map = fields.free_mapping("routes")?.ok_or_else(|| fields.missing("routes"))?;
    if map.is_empty() {
        return Err(fields.bad("routes", "at least one route"));
    }
    map.iter()
        .map(|(name, route)| match route {
            Value::String(text) => Ok((name.clone(), text.clone())),
            _ => Err(fields.bad("routes", "names with routes as text")),
        })
        .collect()
}

fn read_module(fields: &Fields<'_>, image_location: Option<String>) -> Result<IotModule> {
    let variables = fields.free_mapping("environmentVariables")?;
    let environment_variables = variables
        .into_iter()
        .flatten()
        .map(|(name, value)| {
            // IoT Edge itself writes `{"NAME": {"value": "text"}}`; both shapes are read.
            let value = value.get("value").unwrap_or(value);
            let text = match value {
                Value::String(text) => text.clone(),
                Value::Number(_) | Value::Bool(_) => value.to_string(),
                _ => return Err(fields.bad("environmentVariables", "names with values")),
            };
            Ok((name.clone(), Secret::new(text)))
        })
        .collect::<Result<_>>()?;
    Ok(IotModule {
        module_name: fields.text("moduleName")?.ok_or_else(|| fields.missing("moduleName"))?,
        image_location,
        create_options: create_options(fields)?,
        environment_variables,
        properties_desired: fields.free_mapping("propertiesDesired")?.cloned(),
    })
}

/// Options as an object, or as the JSON text that IoT Edge itself uses.
fn create_options(fields: &Fields<'_>) -> Result<Option<Map<String, Value>>> {
    match fields.any("createOptions") {
        None => Ok(None),
        Some(Value::Object(map)) => Ok(Some(map.clone())),
        Some(Value::String(text)) => serde_json::from_str(text)
            .map(Some)
            .map_err(|_| fields.bad("createOptions", "a JSON object")),
        Some(_) => Err(fields.bad("createOptions", "a JSON object")),
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
        let options = Map::from_iter([("HostConfig".to_owned(), Value::Object(Map::new()))]);
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
        for (key, message) in [
            ("iotDeviceId", "dc: the key `iotDeviceId` is missing"),
            ("amlModule", "dc: the key `amlModule` is missing"),
            ("routes", "dc: the key `routes` is missing"),
        ] {
            let mut document: Map<String, Value> = serde_json::from_str(TEXT).unwrap();
            document.remove(key);
            let error = DeploymentConfig::from_document(&document, "dc").unwrap_err();
            assert_eq!(error.to_string(), message);
        }
        let text =
            TEXT.replace(r#""imageLocation": "example.com/sensor:1""#, r#""createOptions": {}"#);
        assert_eq!(
            DeploymentConfig::parse(&text, "dc").unwrap_err().to_string(),
            "dc: the key `externalModules[0].imageLocation` is missing"
        );
    }
}
