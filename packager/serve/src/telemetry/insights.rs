//! Application Insights: one JSON object a line, as Azure's exporters send them to `/v2.1/track`.

use jiff::Timestamp;
use serde_json::json;

use super::span::Span;

/// The body of a request.
pub(super) fn body(key: &str, role: &str, spans: &[Box<Span>]) -> Vec<u8> {
    let lines = spans.iter().flat_map(|span| [line(key, role, span), "\n".to_owned()]);
    lines.collect::<String>().into_bytes()
}

fn line(key: &str, role: &str, span: &Span) -> String {
    let begun = Timestamp::try_from(span.begun).unwrap_or_default();
    let mut tags = json!({
        "ai.operation.id": span.context.trace,
        "ai.operation.name": span.name(),
        "ai.cloud.role": role,
        "ai.internal.sdkVersion": concat!("mlpack:", env!("CARGO_PKG_VERSION")),
    });
    if let Some(parent) = &span.context.parent {
        tags["ai.operation.parentId"] = parent.as_str().into();
    }
    let mut properties =
        json!({ "Request Id": span.id, "Run Milliseconds": span.run_ms.to_string() });
    if let Some(reason) = &span.reason {
        properties["Reason"] = reason.as_str().into();
    }
    let request = json!({
        "ver": 2,
        "id": span.context.span,
        "name": span.name(),
        "duration": duration(span.total.as_micros()),
        "responseCode": span.status.to_string(),
        "success": span.status < 400,
        "properties": properties,
    });
    let envelope = json!({
        "ver": 1,
        "name": "Microsoft.ApplicationInsights.Request",
        "time": format!("{begun:.6}"),
        "sampleRate": 100.0,
        "iKey": key,
        "tags": tags,
        "data": { "baseType": "RequestData", "baseData": request },
    });
    envelope.to_string()
}

/// `DD.HH:MM:SS.ffffff`.
fn duration(microseconds: u128) -> String {
    let (seconds, rest) = (microseconds / 1_000_000, microseconds % 1_000_000);
    let (minutes, hours) = (seconds / 60, seconds / 3600);
    format!("{}.{:02}:{:02}:{:02}.{rest:06}", hours / 24, hours % 24, minutes % 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn durations_have_days() {
        assert_eq!(duration(12_345), "0.00:00:00.012345");
        assert_eq!(duration((((26 * 60) + 3) * 60 + 4) * 1_000_000), "1.02:03:04.000000");
    }
}
