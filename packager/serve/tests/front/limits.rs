//! Requests that are refused because of their size, their type or the load.

use crate::client::{read, request};
use crate::kit::Service;

/// Waits in `run` until the test writes `go`.
pub(crate) const GATE: &str = "
import os, time

def init():
    pass

def run(data):
    open('entered-' + data, 'w').write(str(os.getpid()))
    while not os.path.exists('go'):
        time.sleep(0.005)
    return data
";

const SIZE: &str = "
def init():
    pass

def run(data):
    return len(data)
";

#[test]
fn a_body_over_the_limit_is_refused_however_it_is_framed() {
    let service = Service::ready(SIZE, &[("MLPACK_MAX_BODY_BYTES", "1000")]);
    assert_eq!(service.score(&"x".repeat(1000)).text(), "1000");
    let refused = service.score(&"x".repeat(3_000_000));
    assert_eq!(
        (refused.status, &refused.json()["message"]),
        (413, &"the body has more than 1000 bytes".into())
    );
    let chunks: Vec<u8> = b"190\r\n".iter().chain(&[b'x'; 400]).chain(b"\r\n").copied().collect();
    let body = [chunks.repeat(3), b"0\r\n\r\n".to_vec()].concat();
    let chunked = service.send("POST", "/score", &[("Transfer-Encoding", "chunked")], &body);
    assert_eq!(chunked.status, 413);
}

#[test]
fn a_huge_body_is_refused_before_it_is_sent() {
    let service = Service::ready(SIZE, &[]);
    let head = "POST /score HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1073741824\r\n\r\n";
    let mut stream = service.begin(head.as_bytes());
    assert_eq!(read(&mut stream).status, 413);
}

#[test]
fn bodies_together_are_bounded() {
    let settings = [("MLPACK_MAX_BODY_BYTES", "100000"), ("MLPACK_MAX_BUFFERED_BYTES", "100000")];
    let service = Service::ready(GATE, &settings);
    let mut running = service.begin(&request("POST", "/score", &[], b"a"));
    service.wait_for_file("entered-a");
    // One body alone would fit.
    let refused = service.send("POST", "/score", &[], &[b'z'; 99_900]);
    assert_eq!((refused.status, refused.header("retry-after")), (503, "1"));
    assert_eq!(refused.json()["message"], "too many bytes of request bodies are waiting");
    service.write("go", "1");
    assert_eq!(read(&mut running).status, 200);
}

#[test]
fn the_queue_is_bounded_in_length_and_time() {
    let settings = [("MLPACK_MAX_QUEUED_REQUESTS", "1"), ("MLPACK_MAX_QUEUE_WAIT_MS", "60000")];
    let service = Service::ready(GATE, &settings);
    let mut running = service.begin(&request("POST", "/score", &[], b"a"));
    service.wait_for_file("entered-a");
    let mut queued = service.begin(&request("POST", "/score", &[], b"b"));
    while service.metric("mlpack_queued_requests ") != Some(1.0) {
        std::thread::yield_now();
    }
    let refused = service.score("c");
    assert_eq!((refused.status, refused.header("retry-after")), (503, "1"));
    assert_eq!(refused.json()["message"], "too many requests are waiting");
    service.write("go", "1");
    assert_eq!((read(&mut running).status, read(&mut queued).status), (200, 200));
    assert_eq!(service.metric("mlpack_refused_requests_total{reason=\"queue_full\"} "), Some(1.0));
}

#[test]
fn a_request_waits_no_longer_than_it_may() {
    let service = Service::ready(GATE, &[("MLPACK_MAX_QUEUE_WAIT_MS", "50")]);
    let _running = service.begin(&request("POST", "/score", &[], b"a"));
    service.wait_for_file("entered-a");
    let refused = service.score("b");
    assert_eq!((refused.status, refused.header("retry-after")), (503, "1"));
    assert_eq!(refused.json()["message"], "the request waited too long for a worker");
}

#[test]
fn headers_are_limited_in_size_and_time() {
    let service = Service::ready(SIZE, &[("MLPACK_HEADER_TIMEOUT_MS", "200")]);
    let huge = service.send("GET", "/", &[("x-huge", &"x".repeat(2_000_000))], b"");
    assert_eq!(huge.status, 431);
    for beginning in ["", "GET / HTTP/1.1\r\nHost: x\r\nX-Slow:"] {
        let mut slow = service.begin(beginning.as_bytes());
        let mut rest = Vec::new();
        // The connection ends, with an answer or without.
        let _ = slow.read_to_end(&mut rest);
        assert!(rest.is_empty() || rest.starts_with(b"HTTP/1.1 408"));
    }
}

#[test]
fn a_body_that_stops_arriving_is_refused() {
    let service = Service::ready(SIZE, &[("MLPACK_BODY_TIMEOUT_MS", "100")]);
    let mut slow =
        service.begin(b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc");
    assert_eq!(read(&mut slow).status, 408);
}
