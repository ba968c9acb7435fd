//! Services.

use mlpack_deploy::{Change, Metadata, ModelUse, ServiceKeys, Webservice};

use super::{age, labels};
use crate::output;

/// Formats a service as a table of its properties.
pub(crate) fn service(service: &Webservice) -> String {
    let mut rows = vec![
        vec!["name".to_owned(), service.name.to_string()],
        vec!["state".to_owned(), service.state.to_string()],
        vec!["image".to_owned(), service.image_id.clone()],
    ];
    let mut add = |name: &str, value: &Option<String>| {
        if let Some(value) = value {
            rows.push(vec![name.to_owned(), value.clone()]);
        }
    };
    let Metadata { description, tags, properties } = &service.metadata;
    add("description", description);
    add("tags", &labels(tags));
    add("properties", &labels(properties));
    add("scoring URI", &service.scoring_uri);
    add("swagger URI", &service.swagger_uri);
    add(
        "keys",
        &service.auth_enabled.then(|| format!("`mlpack service get-keys -n {}`", service.name)),
    );
    add("error", &service.error);
    output::table(&[], rows)
}

/// Services, a row each, with their ages at `now`.
pub(crate) fn services(services: &[Webservice], now: &str) -> String {
    let rows = services.iter().map(|service| {
        let models: Vec<String> = service.models.iter().map(ModelUse::id).collect();
        vec![
            service.name.to_string(),
            service.state.to_string(),
            models.join(", "),
            age(&service.created_time, now),
            service.scoring_uri.clone().unwrap_or_else(|| "-".to_owned()),
        ]
    });
    output::table(&["NAME", "STATE", "MODELS", "CREATED", "SCORING URI"], rows)
}

/// What a deployment would change, a line each.
pub(crate) fn differences(changes: &[Change]) -> String {
    if changes.is_empty() {
        return "no changes".to_owned();
    }
    let line = |Change { field, from, to }: &Change| match (from, to) {
        (None, Some(to)) if to == "exists" => format!("+ {field}"),
        (Some(_), None) => format!("- {field}"),
        (from, to) => {
            let text =
                |value: &Option<String>| value.clone().unwrap_or_else(|| "(none)".to_owned());
            format!("~ {field}: {} -> {}", text(from), text(to))
        }
    };
    changes.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Formats the keys of a service as a table.
pub(crate) fn keys(keys: &ServiceKeys) -> String {
    let row = |name: &str, key: &mlpack_oci::Secret| vec![name.to_owned(), key.reveal().to_owned()];
    output::table(&[], [row("primary", &keys.primary_key), row("secondary", &keys.secondary_key)])
}
