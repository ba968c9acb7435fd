//! Requests that are answered: routes, methods, headers, protocols.

use crate::client::{connect, read};
use crate::kit::{Service, skip};

const ECHO: &str = "
def init():
    pass

def run(data, request_headers):
    return {'data': data, 'trace': request_headers.get('Traceparent'), 'x': request_headers.get('X-Test')}
";

#[test]
fn a_body_arrives_as_text_and_the_result_returns_as_json() {
    let service = Service::ready(ECHO, &[]);
    let answer = service.score("{\"a\": \"ü\"}");
    assert_eq!(answer.status, 200, "{}", service.errors.text());
    assert_eq!(answer.json()["data"], "{\"a\": \"ü\"}");
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("x-ms-run-function-failed"), "False");
    assert!(answer.header("x-ms-run-fn-exec-ms").parse::<f64>().is_ok());
    assert_eq!(service.get("/score?a=1&b=x&b=2").json()["data"], r#"{"a": 1, "b": ["x", 2]}"#);
}

#[test]
fn routes_exist_at_the_root_and_below_the_services_prefix() {
    let service = Service::ready(ECHO, &[("SERVICE_NAME", "digits")]);
    for prefix in ["", "/api/v1/service/digits"] {
        assert_eq!(service.get(&format!("{prefix}/")).text(), "Healthy");
        assert_eq!(service.get(&format!("{prefix}/swagger.json")).json()["swagger"], "2.0");
        assert_eq!(service.send("POST", &format!("{prefix}/score"), &[], b"1").status, 200);
    }
    for (method, path, status) in [
        ("GET", "/metrics", 404),
        ("GET", "/api/v1/service/other/score", 404),
        ("PUT", "/score", 405),
        ("POST", "/", 405),
        ("HEAD", "/score", 405),
        ("OPTIONS", "/score", 200),
    ] {
        assert_eq!(service.send(method, path, &[], b"").status, status, "{method} {path}");
    }
    let head = service.send("HEAD", "/", &[], b"");
    assert_eq!((head.status, head.header("content-length"), head.body.len()), (200, "7", 0));
}

#[test]
fn headers_reach_run_and_identifiers_return() {
    let service = Service::ready(ECHO, &[]);
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let headers = [("traceparent", parent), ("x-request-id", "mine"), ("x-test", "caf\u{e9}")];
    let answer = service.send("POST", "/score", &headers, b"");
    assert_eq!(answer.json()["trace"], parent);
    // Octets of headers arrive as Latin-1, as in WSGI.
    assert_eq!(answer.json()["x"], "caf\u{c3}\u{a9}");
    assert_eq!(answer.header("x-request-id"), "mine");
    let line = service.log.wait_for(|line| line.contains("\"/score\""));
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!((&line["id"], &line["status"]), (&"mine".into(), &200.into()));
    let long = service.send("POST", "/score", &[("x-request-id", &"x".repeat(101))], b"");
    assert_eq!(long.status, 431);
}

#[test]
fn origins_are_allowed_by_list() {
    let service =
        Service::ready(ECHO, &[("AML_CORS_ORIGINS", "https://a.example, https://b.example")]);
    let allowed =
        |answer: &crate::client::Answer| answer.header("access-control-allow-origin").to_owned();
    let answer = service.send("POST", "/score", &[("Origin", "https://b.example")], b"1");
    assert_eq!(allowed(&answer), "https://b.example");
    assert_eq!(answer.header("vary"), "Origin");
    let answer = service.send("POST", "/score", &[("Origin", "https://c.example")], b"1");
    assert_eq!(allowed(&answer), "");
    let asked = [
        ("Origin", "https://a.example"),
        ("Access-Control-Request-Method", "POST"),
        ("Access-Control-Request-Headers", "authorization"),
    ];
    let answer = service.send("OPTIONS", "/score", &asked, b"");
    assert_eq!((answer.status, allowed(&answer).as_str()), (200, "https://a.example"));
    assert_eq!(answer.header("access-control-allow-headers"), "authorization");
}

#[test]
fn a_connection_serves_many_requests() {
    let service = Service::ready(ECHO, &[]);
    let mut stream = connect(&service.address);
    for number in 0..3 {
        let text = format!("POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n{number}");
        std::io::Write::write_all(&mut stream, text.as_bytes()).unwrap();
        assert_eq!(read(&mut stream).json()["data"], number.to_string());
    }
}

#[test]
fn chunked_bodies_and_unix_sockets_work() {
    let dir = tempfile::tempdir().unwrap();
    let socket = format!("unix:{}", dir.path().join("socket").display());
    let service = Service::ready(ECHO, &[("MLPACK_LISTEN", &socket)]);
    assert_eq!(service.address, socket);
    let chunks = b"2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n";
    let answer = service.send("POST", "/score", &[("Transfer-Encoding", "chunked")], chunks);
    assert_eq!(answer.json()["data"], "abcde");
}

#[test]
fn http_2_works() {
    let service = Service::ready(ECHO, &[]);
    let url = format!("http://{}/score", service.address);
    let mut curl = std::process::Command::new("curl");
    curl.args([
        "-sS",
        "--http2-prior-knowledge",
        "-d",
        "two",
        "-w",
        "\n%{http_version} %{http_code}",
    ]);
    curl.args(["-H", "content-type: text/plain", &url]);
    match curl.output() {
        Ok(output) if output.status.code() != Some(2) => {
            let text = String::from_utf8(output.stdout).unwrap();
            assert!(text.ends_with("\n2 200") && text.contains("\"data\": \"two\""), "{text}");
        }
        _ => skip("no curl with HTTP/2"),
    }
}

#[test]
fn raw_requests_work_without_azures_packages() {
    let script = "
from azureml.contrib.services.aml_request import rawhttp
from azureml.contrib.services.aml_response import AMLResponse

def init():
    pass

@rawhttp
def run(request):
    if request.method == 'OPTIONS':
        return AMLResponse('', 204, {'Allow': 'POST'})
    return AMLResponse(request.get_data()[::-1], 201, {'Content-Type': 'image/png', 'X-Path': request.full_path})
";
    let service = Service::ready(script, &[]);
    let answer = service.send("POST", "/score?a=1", &[], b"abc");
    assert_eq!((answer.status, answer.text().as_str()), (201, "cba"), "{}", service.errors.text());
    assert_eq!(answer.header("content-type"), "image/png");
    assert_eq!(answer.header("x-path"), "/score?a=1");
    assert_eq!(service.send("OPTIONS", "/score", &[], b"").header("allow"), "POST");
}

#[test]
fn lines_of_user_code_stay_whole() {
    let script = "
import sys
def init():
    pass
def run(data):
    for number in range(200):
        print('out', data, number, 'x' * 200)
        print('err', data, number, 'y' * 200, file=sys.stderr)
    return len(data)
";
    let service = Service::ready(script, &[("WORKER_COUNT", "2")]);
    std::thread::scope(|scope| {
        for name in ["a", "b"] {
            scope.spawn(|| assert_eq!(service.score(name).status, 200));
        }
    });
    for (lines, stream, fill) in [(&service.log, "out", "x"), (&service.errors, "err", "y")] {
        for name in ["a", "b"] {
            for number in 0..200 {
                let line = format!("{stream} {name} {number} {}", fill.repeat(200));
                lines.wait_for(|found| found == line);
            }
        }
    }
    for line in service.log.text().lines() {
        assert!(line.starts_with("out ") || line.starts_with('{') && line.ends_with('}'), "{line}");
    }
}
