//! Decides which modules a device runs. Pure: nothing is sent here.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::Result;
use crate::config::{IotConfig, IotModule};
use crate::front_door::require;
use crate::placement_error::PlacementError;
use crate::rendering::{Rendered, Rendering};

/// The longest text of a module's settings, in bytes: longer ones are cut (IoT Edge, "Properties of the agent module
/// twin").
const MAX_TEXT: usize = 512;
/// The most pieces that create options are cut into.
const MAX_PIECES: usize = 100;

/// Modules that every device has.
const SYSTEM_MODULES: [&str; 2] = ["edgeAgent", "edgeHub"];

/// Returns the deployment manifest of the device.
///
/// # Errors
/// [`PlacementError`]
pub(crate) fn render(config: &IotConfig, rendering: &Rendering<'_>) -> Result<Rendered> {
    let reference = rendering.image_reference("IoT Edge")?;
    require(&rendering.deployment.facts.labels, &reference)?;
    rendering.refuse_other_options(&[], "compute type `iot`")?;
    let all = || [&config.aml_module].into_iter().chain(&config.external_modules);
    let names: BTreeSet<&str> = all().map(|module| &*module.module_name).collect();
    if names.len() != 1 + config.external_modules.len() {
        return Err(setting("two modules have the same `moduleName`", "rename one of them").into());
    }
    check_routes(config, &names)?;
    let mut modules = Map::new();
    for module in all() {
        modules.insert(module.module_name.clone(), filled(module, rendering, &reference)?);
    }
    let properties: BTreeMap<&str, &Map<String, Value>> = all()
        .filter_map(|module| Some((&*module.module_name, module.properties_desired.as_ref()?)))
        .collect();
    let values = json!({
        "registry_credentials": registry_credentials(config, rendering),
        "modules": modules,
        "routes": config.routes,
        "properties": properties,
    });
    let file = "deployment.json".to_owned();
    let mut document = rendering.document("iot/deployment.json.hbs", file, &values)?;
    // Variables and passwords of registries are in it.
    document.secret = true;
    Ok(Rendered { documents: vec![document], warnings: warnings(config) })
}

fn setting(reason: impl Into<String>, hint: &'static str) -> PlacementError {
    PlacementError::Setting { reason: reason.into(), hint }
}

/// Refuses a route whose module is not on the device.
fn check_routes(config: &IotConfig, names: &BTreeSet<&str>) -> Result<(), PlacementError> {
    for (route, text) in &config.routes {
        let unknown = modules_of(text).find(|name| !names.contains(name));
        if let Some(name) = unknown {
            let reason = format!(
                "`routes.{route}` names the module `{name}`, which is not in the configuration"
            );
            return Err(setting(
                reason,
                "use the `moduleName` of `amlModule` or of one of `externalModules`",
            ));
        }
    }
    Ok(())
}

/// Returns the modules that a route names, as in `FROM /messages/modules/NAME/outputs/* INTO
/// BrokeredEndpoint("/modules/NAME/inputs/amlInput")`.
fn modules_of(route: &str) -> impl Iterator<Item = &str> {
    let names = route.split("modules/").skip(1).map(|rest| {
        let end = rest.find(|c: char| c == '/' || c == '"' || c.is_whitespace());
        &rest[..end.unwrap_or(rest.len())]
    });
    names.filter(|name| *name != "*" && !SYSTEM_MODULES.contains(name))
}

/// Returns a module of the manifest.
fn filled(
    module: &IotModule,
    rendering: &Rendering<'_>,
    reference: &str,
) -> Result<Value, PlacementError> {
    let text = |secret: &mlpack_oci::Secret| secret.reveal().to_owned();
    let mut variables: BTreeMap<String, String> = module
        .environment_variables
        .iter()
        .map(|(name, secret)| (name.clone(), text(secret)))
        .collect();
    if module.image_location.is_none() {
        variables.extend(rendering.deployment.environment.clone());
        let name = rendering.deployment.name.to_string();
        variables.entry("SERVICE_NAME".to_owned()).or_insert(name);
    }
    let image = module.image_location.as_deref().unwrap_or(reference);
    let mut settings = Map::from_iter([("image".to_owned(), image.into())]);
    settings.extend(create_options(module)?);
    let values = json!({ "settings": settings, "variables": variables });
    Ok(rendering.templates.fill_document("iot/module.json.hbs", &values)?)
}

/// Returns the create options as JSON text, cut where it is too long: `createOptions`, `createOptions01` and so on.
fn create_options(module: &IotModule) -> Result<Vec<(String, Value)>, PlacementError> {
    let options = module.create_options.clone().unwrap_or_default();
    let text = Value::Object(options).to_string();
    let mut pieces = Vec::new();
    let mut rest = &*text;
    while !rest.is_empty() {
        let (piece, more) = rest.split_at(rest.floor_char_boundary(MAX_TEXT));
        pieces.push(piece);
        rest = more;
    }
    if pieces.len() > MAX_PIECES {
        let reason = format!(
            "`createOptions` of module `{}` are longer than {} bytes",
            module.module_name,
            MAX_PIECES * MAX_TEXT
        );
        return Err(setting(reason, "shorten them: IoT Edge takes no more"));
    }
    let key = |index: usize| match index {
        0 => "createOptions".to_owned(),
        _ => format!("createOptions{index:02}"),
    };
    Ok(pieces.iter().enumerate().map(|(index, piece)| (key(index), (*piece).into())).collect())
}

/// Returns the logins of registries, by a name made of the host.
fn registry_credentials(config: &IotConfig, rendering: &Rendering<'_>) -> Value {
    let given = config.acr_credentials.iter();
    let given = given.map(|login| (&login.location, &login.user, login.password.reveal()));
    let own = rendering.pull_login.iter();
    let own = own.map(|login| (&login.server, &login.username, login.password.reveal()));
    let name =
        |host: &str| host.chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect();
    let entries = given.chain(own).map(|(host, username, password)| {
        let login = json!({ "address": host, "username": username, "password": password });
        (name(host), login)
    });
    Value::Object(entries.collect())
}

/// What of the device does not reach the entry script.
fn warnings(config: &IotConfig) -> Vec<String> {
    let name = &config.aml_module.module_name;
    let input = format!("/modules/{name}/inputs/");
    let is_used = config.routes.values().any(|route| route.contains(&input));
    let text = format!(
        "messages that routes send to module `{name}` do not reach run(): the image answers requests only, at http://{name}:5001/score for other modules"
    );
    is_used.then_some(text).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_names_its_modules() {
        let found = |route| modules_of(route).collect::<Vec<_>>();
        let route = "FROM /messages/modules/sensor/outputs/* INTO BrokeredEndpoint(\"/modules/ml/inputs/amlInput\")";
        assert_eq!(found(route), ["sensor", "ml"]);
        assert_eq!(found("FROM /messages/modules/* INTO $upstream"), [""; 0]);
        assert_eq!(found("FROM /messages/* INTO $upstream"), [""; 0]);
        assert_eq!(found("FROM /messages/modules/ml INTO $upstream"), ["ml"]);
    }
}
