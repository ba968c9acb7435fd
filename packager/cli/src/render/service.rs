//! Services.

use mlpack_deploy::Webservice;

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
    add("error", &service.error);
    output::table(&[], rows)
}
