//! Workers that end.

use crate::client::{read, request};
use crate::kit::{Service, signal, wait_until_gone};
use crate::limits::GATE;

fn pid(service: &Service, data: &str) -> u32 {
    service.wait_for_file(&format!("entered-{data}")).parse().unwrap()
}

#[test]
fn a_worker_killed_in_a_call_is_reported_and_replaced() {
    let service = Service::ready(GATE, &[]);
    let mut call = service.begin(&request("POST", "/score", &[("x-request-id", "id-1")], b"a"));
    signal("KILL", pid(&service, "a"));
    let answer = read(&mut call);
    assert_eq!((answer.status, answer.header("x-ms-run-function-failed")), (502, "True"));
    assert_eq!(answer.json()["message"], "the worker ended with signal 9 (SIGKILL)");
    assert_eq!(answer.json()["requestId"], "id-1");
    service.write("go", "1");
    assert_eq!(service.score("b").text(), "\"b\"");
    assert_eq!(service.metric("mlpack_worker_restarts_total{reason=\"ended\"} "), Some(1.0));
}

#[test]
fn a_worker_killed_while_idle_costs_no_request() {
    let service = Service::ready(GATE, &[]);
    service.write("go", "1");
    for round in 0..3 {
        let data = format!("r{round}");
        assert_eq!(service.score(&data).status, 200);
        let worker = pid(&service, &data);
        signal("KILL", worker);
        // What is sent to a worker that has not ended yet may have been read.
        wait_until_gone(&worker.to_string());
        assert_eq!(service.score("next").status, 200);
    }
}

#[test]
fn others_serve_while_one_is_replaced() {
    let service = Service::ready(GATE, &[("WORKER_COUNT", "2")]);
    let mut one = service.begin(&request("POST", "/score", &[], b"one"));
    let mut two = service.begin(&request("POST", "/score", &[], b"two"));
    pid(&service, "two");
    signal("KILL", pid(&service, "one"));
    assert_eq!(read(&mut one).status, 502);
    service.write("go", "1");
    assert_eq!(read(&mut two).status, 200);
}

#[test]
fn an_exit_in_run_is_reported_with_its_code() {
    let script = "
import os
def init():
    pass
def run(data):
    if data == 'raise':
        raise SystemExit(7)
    os._exit(9)
";
    let service = Service::ready(script, &[]);
    for (data, code) in [("raise", 7), ("exit", 9)] {
        let answer = service.score(data);
        let text = format!("the worker ended with exit code {code}");
        assert_eq!((answer.status, &answer.json()["message"]), (502, &text.into()));
    }
}

#[test]
fn a_child_that_keeps_the_socket_does_not_hide_the_end() {
    // The child is forked by C code, which no hook of Python sees.
    let script = "
import ctypes, os, time
def init():
    pass
def run(data):
    if ctypes.CDLL(None).fork() == 0:
        time.sleep(1000)
    os._exit(5)
";
    let service = Service::ready(script, &[]);
    let answer = service.score("");
    assert_eq!(answer.json()["message"], "the worker ended with exit code 5");
}

#[test]
fn a_forked_child_that_returns_from_run_answers_nothing() {
    let script = "
import os
def init():
    pass
def run(data):
    child = os.fork()
    if child:
        os.waitpid(child, 0)
    return child
";
    let service = Service::ready(script, &[]);
    for _ in 0..3 {
        assert!(service.score("").json().as_u64().unwrap() > 0);
    }
}

#[test]
fn processes_of_user_code_end_with_their_worker() {
    let script = "
import os, subprocess
def init():
    for session in (False, True):
        child = subprocess.Popen(['sleep', '1000'], start_new_session=session)
        open('child-%s' % session, 'w').write(str(child.pid))
def run(data):
    os._exit(1)
";
    let service = Service::ready(script, &[]);
    let children = ["child-False", "child-True"].map(|name| service.wait_for_file(name));
    assert_eq!(service.score("").status, 502);
    children.iter().for_each(|pid| wait_until_gone(pid));
}

#[test]
fn a_client_that_goes_away_leaves_a_line_and_a_usable_worker() {
    let service = Service::ready(GATE, &[]);
    let call = service.begin(&request("POST", "/score", &[("x-request-id", "gone")], b"a"));
    let worker = pid(&service, "a");
    drop(call);
    let line = service.log.wait_for(|line| line.contains("\"gone\""));
    assert!(line.contains("499"), "{line}");
    service.write("go", "1");
    assert_eq!(service.score("b").status, 200);
    assert_eq!(pid(&service, "b"), worker);
}
