//! SIGTERM.

use std::io::Write as _;

use crate::client::{connect, get, read, request};
use crate::kit::{Service, wait_until_gone};
use crate::limits::GATE;

#[test]
fn requests_in_flight_are_answered_and_the_exit_code_is_0() {
    let mut service = Service::ready(GATE, &[]);
    let mut idle = connect(&service.address);
    idle.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    assert_eq!(read(&mut idle).status, 200);
    let mut silent = connect(&service.address);
    let mut running = service.begin(&request("POST", "/score", &[], b"a"));
    let worker = service.wait_for_file("entered-a");
    let mut queued = service.begin(&request("POST", "/score", &[], b"b"));
    while service.metric("mlpack_queued_requests ") != Some(1.0) {
        std::thread::yield_now();
    }
    service.signal("TERM");
    service.log.wait_for(|line| line.contains("shutting down"));
    // Connections without a request end at once.
    for connection in [&mut idle, &mut silent] {
        let mut rest = Vec::new();
        let _ = connection.read_to_end(&mut rest);
        assert_eq!(rest, b"");
    }
    service.write("go", "1");
    assert_eq!((read(&mut running).status, read(&mut queued).status), (200, 200));
    assert_eq!(service.end().code(), Some(0));
    wait_until_gone(&worker);
    service.log.wait_for(|line| line.contains("\"stopped\""));
}

#[test]
fn readiness_ends_first() {
    let mut service = Service::ready(GATE, &[("MLPACK_DRAIN_DELAY_MS", "500")]);
    service.write("go", "1");
    service.signal("TERM");
    service.log.wait_for(|line| line.contains("shutting down"));
    assert_eq!(get(&service.operations, "/readyz").status, 503);
    // Requests are still accepted.
    assert_eq!(service.score("late").status, 200);
    assert_eq!(service.end().code(), Some(0));
}

#[test]
fn the_grace_period_ends_and_nothing_is_left() {
    let mut service = Service::ready(GATE, &[("MLPACK_GRACE_MS", "100")]);
    let _running = service.begin(&request("POST", "/score", &[], b"a"));
    let worker = service.wait_for_file("entered-a");
    service.signal("TERM");
    assert_eq!(service.end().code(), Some(0));
    wait_until_gone(&worker);
    service.log.wait_for(|line| line.contains("requests were not finished within 100 ms"));
}

#[test]
fn a_start_under_way_is_given_up() {
    let script = "
import os, time
def init():
    open('entered', 'w').write(str(os.getpid()))
    time.sleep(1000)
def run(data):
    pass
";
    let mut service = Service::start(script, &[]);
    let worker = service.wait_for_file("entered");
    service.signal("TERM");
    assert_eq!(service.end().code(), Some(0));
    wait_until_gone(&worker);
    assert!(!service.log.text().contains("did not start"));
}
