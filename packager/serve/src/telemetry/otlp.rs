//! OTLP/HTTP with JSON (opentelemetry-proto 1, "JSON Protobuf Encoding": numbers of 64 bits are texts, identifiers are
//! hexadecimal).

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::span::Span;

/// `SPAN_KIND_SERVER`.
const SERVER: u8 = 2;

/// `STATUS_CODE_ERROR`.
const ERROR: u8 = 2;

/// The body of a request to `/v1/traces`.
pub(super) fn body(resource: &[(String, String)], spans: &[Box<Span>]) -> Vec<u8> {
    let resource: Vec<Value> = resource.iter().map(|(name, value)| text(name, value)).collect();
    let scope = json!({ "name": "mlpack-serve", "version": env!("CARGO_PKG_VERSION") });
    let spans: Vec<Value> = spans.iter().map(|one| span(one)).collect();
    let scope_spans = json!([{ "scope": scope, "spans": spans }]);
    let all = json!([{ "resource": { "attributes": resource }, "scopeSpans": scope_spans }]);
    json!({ "resourceSpans": all }).to_string().into_bytes()
}

fn span(span: &Span) -> Value {
    let mut attributes = vec![
        text("http.request.method", span.method),
        text("http.route", span.route),
        json!({ "key": "http.response.status_code", "value": { "intValue": span.status.to_string() } }),
        text("mlpack.request_id", &span.id),
        json!({ "key": "mlpack.run_ms", "value": { "doubleValue": span.run_ms } }),
    ];
    let mut value = json!({
        "traceId": span.context.trace,
        "spanId": span.context.span,
        "name": span.name(),
        "kind": SERVER,
        "startTimeUnixNano": nanoseconds(span.begun).to_string(),
        "endTimeUnixNano": nanoseconds(span.begun + span.total).to_string(),
    });
    if let Some(parent) = &span.context.parent {
        value["parentSpanId"] = parent.as_str().into();
    }
    // Faults of a client are no errors of a server (semantic conventions, "HTTP server", "Status").
    if span.status >= 500 {
        let reason = span.reason.as_deref().unwrap_or_default();
        value["status"] = json!({ "code": ERROR, "message": reason });
        attributes.push(text("error.type", &span.status.to_string()));
    }
    value["attributes"] = attributes.into();
    value
}

fn text(name: &str, value: &str) -> Value {
    json!({ "key": name, "value": { "stringValue": value } })
}

fn nanoseconds(time: SystemTime) -> u128 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos()
}
