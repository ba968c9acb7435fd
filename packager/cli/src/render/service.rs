//! Services.

use mlpack_deploy::{ServiceKeys, Webservice};

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
    add("scoring URI", &service.scoring_uri);
    add("swagger URI", &service.swagger_uri);
    add(
        "keys",
        &service.auth_enabled.then(|| format!("`mlpack service get-keys -n {}`", service.name)),
    );
    add("error", &service.error);
    output::table(&[], rows)
}

/// Formats the keys of a service as a table.
pub(crate) fn keys(keys: &ServiceKeys) -> String {
    let row = |name: &str, key: &mlpack_oci::Secret| vec![name.to_owned(), key.reveal().to_owned()];
    output::table(&[], [row("primary", &keys.primary_key), row("secondary", &keys.secondary_key)])
}
