//! Spans that are exported.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::{Value, json};

use crate::differential::Environment;
use crate::kit::{Service, is_required};

const SCRIPT: &str = "
def init():
    pass

def run(data, request_headers):
    if data == 'fail':
        raise ValueError('secret')
    return request_headers.get('Traceparent')
";

const SENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// What a collector got: request line, headers in lower case, body.
type Received = (String, Vec<String>, Vec<u8>);

/// A collector that gives these answers, the last one again and again; without one it never answers.
fn collector(answers: &'static [&'static str]) -> (String, Receiver<Received>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (sender, received) = channel();
    std::thread::spawn(move || {
        let mut kept = Vec::new();
        for (number, stream) in listener.incoming().enumerate() {
            let mut stream = stream.unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut lines = reader.by_ref().lines().map(Result::unwrap);
            let first = lines.next().unwrap_or_default();
            let headers: Vec<_> =
                lines.take_while(|line| !line.is_empty()).map(|line| line.to_lowercase()).collect();
            let length = headers.iter().find_map(|line| line.strip_prefix("content-length: "));
            let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
            reader.read_exact(&mut body).unwrap();
            match answers.get(number).or(answers.last()) {
                Some(answer) => {
                    let text = format!("HTTP/1.1 {answer}\r\nContent-Length: 2\r\n\r\n{{}}");
                    stream.write_all(text.as_bytes()).unwrap();
                }
                None => kept.push(stream),
            }
            if sender.send((first, headers, body)).is_err() {
                return;
            }
        }
    });
    (address, received)
}

fn next(received: &Receiver<Received>) -> Received {
    received.recv_timeout(Duration::from_secs(60)).unwrap()
}

/// The attributes of a span by name.
fn attribute<'a>(span: &'a Value, name: &str) -> &'a Value {
    let mut attributes = span["attributes"].as_array().unwrap().iter();
    &attributes.find(|attribute| attribute["key"] == name).unwrap()["value"]
}

#[test]
fn a_collector_gets_a_span_for_each_request() {
    let (endpoint, received) = collector(&["200 OK"]);
    let service = Service::ready(
        SCRIPT,
        &[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint),
            ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=a%20b"),
            ("OTEL_SERVICE_NAME", "digits"),
            ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=test"),
        ],
    );
    let answer = service.send("POST", "/score", &[("traceparent", SENT)], b"1");
    // run() gets the span of the front door as its parent, in the trace of the caller.
    let passed = answer.json().as_str().unwrap().to_owned();
    assert!(passed.starts_with(&SENT[..36]) && passed != SENT, "{passed}");
    let failed = service.send("POST", "/score", &[("x-request-id", "7")], b"fail");
    assert_eq!(failed.status, 500);
    assert_eq!(service.get("/").status, 200);
    let (first, headers, body) = next(&received);
    assert_eq!(first, "POST /v1/traces HTTP/1.1");
    assert!(headers.contains(&"api-key: a b".to_owned()), "{headers:?}");
    assert!(headers.contains(&"content-type: application/json".to_owned()), "{headers:?}");
    judge(&body);
    let body: Value = serde_json::from_slice(&body).unwrap();
    let resource = &body["resourceSpans"][0]["resource"]["attributes"];
    assert_eq!(resource[0], json!({"key": "service.name", "value": {"stringValue": "digits"}}));
    assert_eq!(resource[1]["key"], "deployment.environment");
    let spans = body["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap();
    let [good, bad] = &spans[..] else { panic!("{spans:?}") };
    assert_eq!(good["traceId"], SENT[3..35]);
    assert_eq!(good["parentSpanId"], SENT[36..52]);
    assert_eq!(good["spanId"], passed[36..52]);
    assert_eq!((&good["name"], &good["kind"]), (&json!("POST /score"), &json!(2)));
    assert_eq!(attribute(good, "http.response.status_code")["intValue"], "200");
    assert_eq!(good.get("status"), None);
    assert_eq!(bad.get("parentSpanId"), None);
    assert_eq!(attribute(bad, "mlpack.request_id")["stringValue"], "7");
    assert_eq!(bad["status"]["code"], 2);
    assert!(!body.to_string().contains("secret"));
    assert_eq!(service.metric("mlpack_spans_total{outcome=\"exported\"} "), Some(2.0));
}

/// Has the messages of OpenTelemetry's Python package read a body, where the package can be had.
fn judge(body: &[u8]) {
    let environment = match Environment::make("otlp", 11, &["opentelemetry-proto"]) {
        Ok(environment) => environment,
        Err(reason) => {
            assert!(!is_required(), "opentelemetry-proto is needed, but: {reason}");
            return println!("not read by opentelemetry-proto: {reason}");
        }
    };
    let program = "
import sys
from google.protobuf.json_format import Parse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
request = Parse(sys.stdin.read(), ExportTraceServiceRequest())
for span in request.resource_spans[0].scope_spans[0].spans:
    print(span.name, span.kind, span.status.code, span.end_time_unix_nano > span.start_time_unix_nano)
";
    let mut python = Command::new(environment.python());
    python.args(["-c", program]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut python = python.spawn().unwrap();
    python.stdin.take().unwrap().write_all(body).unwrap();
    let output = python.wait_with_output().unwrap();
    let expected = "POST /score 2 0 True\nPOST /score 2 2 True\n";
    assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
}

#[test]
fn application_insights_gets_requests() {
    let (endpoint, received) = collector(&["200 OK"]);
    let connection = format!("InstrumentationKey=key-1;IngestionEndpoint={endpoint}/");
    let settings = [("APPLICATIONINSIGHTS_CONNECTION_STRING", connection.as_str())];
    let service = Service::ready(SCRIPT, &settings);
    service.send("POST", "/score", &[("traceparent", SENT), ("x-request-id", "7")], b"fail");
    let (first, headers, body) = next(&received);
    assert_eq!(first, "POST /v2.1/track HTTP/1.1");
    assert!(headers.contains(&"content-type: application/x-json-stream".to_owned()));
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((&body["iKey"], &body["ver"]), (&json!("key-1"), &json!(1)));
    assert_eq!(body["tags"]["ai.operation.id"], SENT[3..35]);
    assert_eq!(body["tags"]["ai.operation.parentId"], SENT[36..52]);
    let request = &body["data"]["baseData"];
    assert_eq!(body["data"]["baseType"], "RequestData");
    assert_eq!((&request["responseCode"], &request["success"]), (&json!("500"), &json!(false)));
    assert_eq!(request["properties"]["Request Id"], "7");
}

#[test]
fn a_collector_that_is_busy_is_asked_again() {
    let (endpoint, received) = collector(&["503 Service Unavailable\r\nRetry-After: 0", "200 OK"]);
    let service = Service::ready(SCRIPT, &[("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint)]);
    service.score("1");
    assert_eq!(next(&received).2, next(&received).2);
    while service.metric("mlpack_spans_total{outcome=\"exported\"} ") != Some(1.0) {
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_collector_that_hangs_or_refuses_holds_up_no_request() {
    let (endpoint, received) = collector(&[]);
    let service = Service::ready(SCRIPT, &[("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint)]);
    assert_eq!(service.score("1").status, 200);
    next(&received);
    // The queue holds 2048 spans while the first batch waits for its answer.
    for _ in 0..2100 {
        assert_eq!(service.score("1").status, 200);
    }
    let dropped = service.metric("mlpack_spans_total{outcome=\"queue_full\"} ");
    assert!(dropped.unwrap() > 0.0);
    let (endpoint, received) = collector(&["400 Bad Request"]);
    let service = Service::ready(SCRIPT, &[("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint)]);
    service.score("1");
    next(&received);
    let line = service.log.wait_for(|line| line.contains("cannot export telemetry"));
    assert!(line.contains("to 127.0.0.1: status 400 Bad Request"), "{line}");
}

#[test]
fn what_waits_is_exported_before_the_end() {
    let (endpoint, received) = collector(&["200 OK"]);
    let mut service = Service::ready(SCRIPT, &[("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint)]);
    service.score("1");
    service.signal("TERM");
    assert!(service.end().success());
    assert!(!next(&received).2.is_empty());
}
