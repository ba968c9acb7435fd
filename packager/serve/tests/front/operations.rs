//! The port of operations.

use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::client::get;
use crate::kit::{Service, skip};

const SCRIPT: &str = "
def init():
    pass

def run(data):
    return 1 / int(data)
";

#[test]
fn probes_and_figures_are_on_a_port_of_their_own() {
    let service = Service::ready(SCRIPT, &[]);
    assert_eq!((service.score("2").status, service.score("0").status), (200, 500));
    assert_eq!(get(&service.operations, "/livez").text(), "ok\n");
    assert_eq!(get(&service.operations, "/score").status, 404);
    assert_eq!(service.get("/livez").status, 404);
    let counts = |status| {
        let labels = "http_request_method=\"POST\",http_route=\"/score\"";
        let name = "http_server_request_duration_seconds_count";
        service.metric(&format!("{name}{{{labels},http_response_status_code=\"{status}\"}} "))
    };
    assert_eq!((counts(200), counts(500)), (Some(1.0), Some(1.0)));
    assert_eq!(service.metric("mlpack_run_duration_seconds_count "), Some(2.0));
    assert_eq!(service.metric("mlpack_workers_ready "), Some(1.0));
    assert!(service.metric("mlpack_worker_memory_bytes{worker=\"0\"} ").unwrap() > 1e6);
}

#[test]
fn prometheus_accepts_the_figures() {
    let service = Service::ready(SCRIPT, &[]);
    service.score("1");
    let mut promtool = Command::new("promtool");
    promtool.args(["check", "metrics"]).stdin(Stdio::piped()).stderr(Stdio::piped());
    let Ok(mut promtool) = promtool.spawn() else {
        return skip("no promtool");
    };
    let figures = get(&service.operations, "/metrics").body;
    promtool.stdin.take().unwrap().write_all(&figures).unwrap();
    let output = promtool.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
