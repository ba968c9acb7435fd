//! Calls that take too long.

use crate::kit::Service;

const SLOW: &str = "
import hashlib, os, time

def init():
    pass

def run(data):
    if data == 'sleep':
        time.sleep(1000)
    if data == 'swallow':
        try:
            time.sleep(1000)
        except BaseException:
            time.sleep(1000)
    if data == 'busy':
        hashlib.pbkdf2_hmac('sha512', b'x', b'y', 2000000000)
    return os.getpid()
";

#[test]
fn python_code_is_interrupted_and_its_worker_stays() {
    let service = Service::ready(SLOW, &[("SCORING_TIMEOUT_MS", "200")]);
    let pid = service.score("").text();
    let late = service.score("sleep");
    assert_eq!((late.status, late.header("x-ms-run-function-failed")), (504, "True"));
    assert_eq!(late.json()["message"], "run() did not return within 200 ms");
    assert_eq!(service.score("").text(), pid);
    service.errors.wait_for(|line| line.contains("time.sleep(1000)"));
}

#[test]
fn code_that_cannot_be_interrupted_is_killed_and_its_worker_replaced() {
    let service = Service::ready(SLOW, &[("SCORING_TIMEOUT_MS", "200")]);
    for data in ["busy", "swallow"] {
        let pid = service.score("").text();
        let late = service.send("POST", "/score", &[("x-request-id", data)], data.as_bytes());
        assert_eq!(late.status, 504);
        assert_eq!(late.json()["requestId"], data);
        assert_ne!(service.score("").text(), pid);
    }
}
