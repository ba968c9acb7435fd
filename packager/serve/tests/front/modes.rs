//! The modes beside `serve`: a self-test, and a program that serves HTTP.

use std::process::Output;

use crate::kit::{Service, command, python, worker};

const SCRIPT: &str = "
import json

def init():
    print('loading')

def run(data):
    return 1 / json.loads(data)['divisor']
";

fn selftest(script: &str, input: Option<&str>) -> Output {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("score.py"), script).unwrap();
    let file = dir.path().join("input.json").display().to_string();
    let (python, worker) = (python().display().to_string(), worker().display().to_string());
    let mut arguments = vec!["selftest"];
    if let Some(input) = input {
        std::fs::write(&file, input).unwrap();
        arguments.extend(["--input", &file]);
    }
    arguments.extend(["--", &python, "-B", &worker]);
    command(dir.path(), &arguments, &[]).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn a_selftest_prints_the_answer_to_a_file() {
    let good = selftest(SCRIPT, Some("{\"divisor\": 4}"));
    assert_eq!((good.status.code(), text(&good.stdout)), (Some(0), "loading\n0.25\n"));
    let failed = selftest(SCRIPT, Some("{\"divisor\": 0}"));
    assert_eq!(failed.status.code(), Some(1));
    assert!(text(&failed.stderr).contains("ZeroDivisionError"), "{}", text(&failed.stderr));
}

#[test]
fn a_selftest_without_schema_and_file_only_starts_the_script() {
    let started = selftest(SCRIPT, None);
    assert_eq!((started.status.code(), text(&started.stdout)), (Some(0), "loading\n"));
    assert!(text(&started.stderr).contains("hint: give a request's body with `--input FILE`"));
    let broken = selftest("import nothing_of_this_name\n", None);
    assert_eq!(broken.status.code(), Some(3));
}

const COLLECTED: &str = "
from azureml.monitoring import ModelDataCollector

def init():
    global inputs
    inputs = ModelDataCollector('digits', designation='inputs', feature_names=['a', 'b'])

def run(data):
    return list(inputs.collect([[1, 'x,y'], [2, 'z']], user_correlation_id=data))
";

#[test]
fn collected_data_becomes_rows_in_azures_layout() {
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().to_str().unwrap();
    let settings = [("MLPACK_MODEL_DATA_DIR", folder), ("SERVICE_NAME", "s")];
    let service = Service::ready(COLLECTED, &settings);
    assert_eq!(service.score("c").status, 200, "{}", service.errors.text());
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), 0);
    let settings = [settings[0], settings[1], ("AML_MODEL_DC_STORAGE_ENABLED", "true")];
    let service = Service::ready(COLLECTED, &settings);
    let answer = service.send("POST", "/score", &[("x-request-id", "r")], b"c");
    assert_eq!(answer.text(), "[\"$aml_dc_correlation_id\"]", "{}", service.errors.text());
    let mut folder = data.path().join("default/default/default/s/digits/default/inputs");
    for _ in 0..3 {
        folder = std::fs::read_dir(folder).unwrap().next().unwrap().unwrap().path();
    }
    let text = std::fs::read_to_string(folder.join("data.csv")).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let names = "a,b,$aml_dc_correlation_id,$aml_dc_scoring_timestamp,$aml_request_id";
    assert_eq!((lines.len(), lines[0]), (3, names));
    assert!(lines[1].starts_with("1,\"x,y\",c,") && lines[1].ends_with(",r"), "{text}");
}

/// A server of the standard library that speaks HTTP/1.1 and reports what it got.
const SERVER: &str = "
import http.server, json, os, sys

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def answer(self):
        if self.path == '/score?end':
            os._exit(4)
        body = self.rfile.read(int(self.headers.get('content-length', 0)))
        text = json.dumps([self.command, self.path, body.decode(), self.headers.get('x-request-id')])
        self.send_response(200)
        self.send_header('X-Own', self.headers.get('x-own', ''))
        self.send_header('Content-Length', str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    do_GET = do_POST = do_OPTIONS = answer

http.server.ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1])), Handler).serve_forever()
";

#[test]
fn a_program_is_supervised_and_gets_the_requests() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let address = free.to_string();
    let port = free.port().to_string();
    let python = python().display().to_string();
    let arguments = ["proxy", "--to", &address, "--", &python, "-c", SERVER, &port];
    let dir = tempfile::tempdir().unwrap();
    let settings = [("MLPACK_PRIMARY_KEY", "key"), ("SERVICE_NAME", "digits")];
    let mut service = Service::run(dir, &arguments, &settings);
    service.wait_until_ready();
    assert_eq!(service.score("1").status, 401);
    let headers = [("Authorization", "Bearer key"), ("x-request-id", "7"), ("x-own", "a")];
    for path in ["/score?a=1", "/api/v1/service/digits/score?a=1"] {
        let answer = service.send("POST", path, &headers, b"body");
        assert_eq!(answer.json(), serde_json::json!(["POST", "/score?a=1", "body", "7"]));
        assert_eq!(answer.header("x-own"), "a");
    }
    assert_eq!(service.get("/").text(), "Healthy");
    let ended = service.send("POST", "/score?end", &headers, b"");
    assert_eq!((ended.status, &ended.json()["requestId"]), (502, &"7".into()));
    service.log.wait_for(|line| line.contains("the program ended with exit code 4"));
    assert_eq!(service.send("POST", "/score", &headers, b"").status, 200);
    service.signal("TERM");
    assert_eq!(service.end().code(), Some(0));
}
