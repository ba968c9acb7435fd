//! Where spans go, from the variables of OpenTelemetry and of Azure.

use hyper::Uri;
use hyper::header::{HeaderName, HeaderValue};
use percent_encoding::percent_decode_str;

use super::span::Span;
use super::{insights, otlp};

/// Where Azure's SDKs send telemetry if only a key is known.
const DEFAULT_INGESTION: &str = "https://dc.services.visualstudio.com";

/// A variable that names no target.
#[derive(Debug, thiserror::Error)]
#[error("invalid {name}: expected {expected}")]
pub(crate) struct TargetError {
    name: &'static str,
    expected: &'static str,
}

/// One target.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    /// The whole address.
    pub(super) uri: Uri,
    /// Headers with each request, such as keys.
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    format: Format,
}

#[derive(Debug, Clone)]
enum Format {
    Otlp { resource: Vec<(String, String)> },
    Insights { key: String, role: String },
}

impl Target {
    /// The body for a batch.
    pub(super) fn body(&self, spans: &[Box<Span>]) -> Vec<u8> {
        match &self.format {
            Format::Otlp { resource } => otlp::body(resource, spans),
            Format::Insights { key, role } => insights::body(key, role, spans),
        }
    }

    /// The type of the body.
    pub(super) fn content_type(&self) -> &'static str {
        match self.format {
            Format::Otlp { .. } => "application/json",
            Format::Insights { .. } => "application/x-json-stream",
        }
    }

    /// The host, for the log: an address may have a key in its query.
    pub(super) fn host(&self) -> &str {
        self.uri.host().unwrap_or_default()
    }
}

/// Reads the targets. `variable` returns what is set and not empty.
///
/// # Errors
/// [`TargetError`]; it does not contain the value, which may be a secret.
pub(crate) fn targets<'a>(
    variable: impl Fn(&str) -> Option<&'a str>,
) -> Result<Vec<Target>, TargetError> {
    let service = variable("OTEL_SERVICE_NAME").or_else(|| variable("SERVICE_NAME"));
    let service = service.unwrap_or("mlpack-serve").to_owned();
    let otlp = otlp_target(&variable, &service)?;
    let insights = insights_target(&variable, service)?;
    Ok([otlp, insights].into_iter().flatten().collect())
}

fn otlp_target<'a>(
    variable: &impl Fn(&str) -> Option<&'a str>,
    service: &str,
) -> Result<Option<Target>, TargetError> {
    let (name, endpoint) = match variable("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") {
        Some(endpoint) => ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", endpoint.to_owned()),
        None => match variable("OTEL_EXPORTER_OTLP_ENDPOINT") {
            // The signal's path is appended to the general endpoint only (OTLP exporter, "Endpoint URLs").
            Some(base) => {
                ("OTEL_EXPORTER_OTLP_ENDPOINT", format!("{}/v1/traces", base.trim_end_matches('/')))
            }
            None => return Ok(None),
        },
    };
    let protocol = variable("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL");
    let protocol = protocol.or_else(|| variable("OTEL_EXPORTER_OTLP_PROTOCOL"));
    if protocol.is_some_and(|protocol| protocol != "http/json") {
        return Err(TargetError { name: "OTEL_EXPORTER_OTLP_PROTOCOL", expected: "http/json" });
    }
    let headers = variable("OTEL_EXPORTER_OTLP_TRACES_HEADERS");
    let headers = headers.or_else(|| variable("OTEL_EXPORTER_OTLP_HEADERS")).unwrap_or_default();
    let pair = |(name, value): (String, String)| {
        Some((name.parse::<HeaderName>().ok()?, value.parse::<HeaderValue>().ok()?))
    };
    let headers: Option<Vec<_>> =
        pairs(headers).and_then(|pairs| pairs.into_iter().map(pair).collect());
    let headers = headers
        .ok_or(TargetError { name: "OTEL_EXPORTER_OTLP_HEADERS", expected: "NAME=VALUE,…" })?;
    let mut resource = vec![("service.name".to_owned(), service.to_owned())];
    let attributes = variable("OTEL_RESOURCE_ATTRIBUTES").unwrap_or_default();
    let attributes = pairs(attributes)
        .ok_or(TargetError { name: "OTEL_RESOURCE_ATTRIBUTES", expected: "NAME=VALUE,…" })?;
    resource.extend(attributes.into_iter().filter(|(name, _)| name != "service.name"));
    Ok(Some(Target { uri: http_uri(name, &endpoint)?, headers, format: Format::Otlp { resource } }))
}

/// Application Insights, by its connection string or by the key that Azure ML set.
fn insights_target<'a>(
    variable: &impl Fn(&str) -> Option<&'a str>,
    role: String,
) -> Result<Option<Target>, TargetError> {
    const NAME: &str = "APPLICATIONINSIGHTS_CONNECTION_STRING";
    let is_enabled =
        variable("AML_APP_INSIGHTS_ENABLED").is_some_and(|text| text.eq_ignore_ascii_case("true"));
    let text = match variable(NAME) {
        Some(text) => text.to_owned(),
        None => match variable("AML_APP_INSIGHTS_KEY").filter(|_| is_enabled) {
            Some(key) => format!("InstrumentationKey={key}"),
            None => return Ok(None),
        },
    };
    let field = |wanted: &str| {
        let mut fields = text.split(';').filter_map(|field| field.split_once('='));
        fields
            .find(|(name, _)| name.trim().eq_ignore_ascii_case(wanted))
            .map(|(_, value)| value.trim())
    };
    let expected = "InstrumentationKey=KEY;IngestionEndpoint=URL";
    let key = field("InstrumentationKey").filter(|key| !key.is_empty());
    let key = key.ok_or(TargetError { name: NAME, expected })?.to_owned();
    let ingestion = field("IngestionEndpoint").unwrap_or(DEFAULT_INGESTION).trim_end_matches('/');
    let uri = http_uri(NAME, &format!("{ingestion}/v2.1/track"))?;
    Ok(Some(Target { uri, headers: Vec::new(), format: Format::Insights { key, role } }))
}

fn http_uri(name: &'static str, text: &str) -> Result<Uri, TargetError> {
    let uri: Option<Uri> = text.parse().ok();
    let is_http =
        |uri: &Uri| matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some();
    uri.filter(is_http)
        .ok_or(TargetError { name, expected: "an address that begins with http:// or https://" })
}

/// Reads `NAME=VALUE,NAME=VALUE` with percent-encoded values, as in W3C Baggage.
fn pairs(text: &str) -> Option<Vec<(String, String)>> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let (name, value) = part.split_once('=')?;
            let value = percent_decode_str(value.trim()).decode_utf8().ok()?.into_owned();
            Some((name.trim().to_owned(), value))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &'static str)]) -> Result<Vec<Target>, String> {
        let found = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
        };
        targets(found).map_err(|error| error.to_string())
    }

    #[test]
    fn endpoints_are_those_of_the_specifications() {
        let uris = |variables: &[(&str, &'static str)]| {
            let targets = read(variables).unwrap();
            targets.iter().map(|target| target.uri.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(uris(&[]), Vec::<String>::new());
        let base = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318/");
        assert_eq!(uris(&[base]), ["http://collector:4318/v1/traces"]);
        let own = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://c/own");
        assert_eq!(uris(&[base, own]), ["https://c/own"]);
        let text = "InstrumentationKey=k;IngestionEndpoint=https://north.example/;LiveEndpoint=x";
        let insights = ("APPLICATIONINSIGHTS_CONNECTION_STRING", text);
        assert_eq!(uris(&[insights]), ["https://north.example/v2.1/track"]);
        let key = ("AML_APP_INSIGHTS_KEY", "k");
        assert_eq!(uris(&[key]), Vec::<String>::new());
        let default = "https://dc.services.visualstudio.com/v2.1/track";
        assert_eq!(uris(&[key, ("AML_APP_INSIGHTS_ENABLED", "True")]), [default]);
    }

    #[test]
    fn a_wrong_value_is_named_but_not_shown() {
        let error = |name, value| {
            read(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c"), (name, value)]).unwrap_err()
        };
        assert_eq!(
            error("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "collector:4318"),
            "invalid OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: expected an address that begins with http:// or https://"
        );
        assert_eq!(
            error("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            "invalid OTEL_EXPORTER_OTLP_PROTOCOL: expected http/json"
        );
        assert_eq!(
            error("OTEL_EXPORTER_OTLP_HEADERS", "secret"),
            "invalid OTEL_EXPORTER_OTLP_HEADERS: expected NAME=VALUE,…"
        );
        assert_eq!(
            error("APPLICATIONINSIGHTS_CONNECTION_STRING", "secret"),
            "invalid APPLICATIONINSIGHTS_CONNECTION_STRING: expected InstrumentationKey=KEY;IngestionEndpoint=URL"
        );
    }
}
