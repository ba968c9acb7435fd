//! Starts that fail.

use std::process::Stdio;

use crate::kit::{Service, command, python, worker};

/// Runs a script that does not start; the exit code, the log and the errors.
fn run(script: &str, settings: &[(&str, &str)]) -> (Option<i32>, String, String) {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("score.py"), script).unwrap();
    let (python, worker) = (python().display().to_string(), worker().display().to_string());
    let mut command = command(dir.path(), &["serve", "--", &python, "-B", &worker], settings);
    let output = command.stdin(Stdio::null()).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn a_boot_that_fails_ends_with_3_and_the_traceback_last() {
    let script = "
def init():
    print('loading')
    raise ValueError('no model')
def run(data):
    pass
";
    let (code, log, errors) = run(script, &[("MLPACK_BOOT_ATTEMPTS", "2")]);
    assert_eq!(code, Some(3));
    assert!(errors.trim_end().ends_with("ValueError: no model"), "{errors}");
    assert!(errors.contains("mlpack-serve: no worker started:\nTraceback"), "{errors}");
    assert!(!errors.contains("_mlpack_worker"), "{errors}");
    assert_eq!(log.lines().filter(|line| *line == "loading").count(), 2);
    assert!(log.contains("worker 0 did not start (attempt 1)"), "{log}");
}

#[test]
fn faults_of_a_script_are_named() {
    let expect = |script: &str, end: &str| {
        let (code, _, errors) = run(script, &[("MLPACK_BOOT_ATTEMPTS", "1")]);
        assert_eq!(code, Some(3));
        assert!(errors.trim_end().ends_with(end), "{errors}");
    };
    expect("def run(data):\n    pass\n", "has no function init()");
    expect("import nothing_of_this_name\n", "No module named 'nothing_of_this_name'");
    expect("def init(): pass\ndef run(*data): pass\n", "*args or **kwargs");
    expect("def init(:\n", "SyntaxError: invalid syntax");
}

#[test]
fn a_worker_that_ends_while_it_starts_is_reported_with_its_last_lines() {
    let script = "
import ctypes, os, time
if ctypes.CDLL(None).fork() == 0:
    time.sleep(1000)
print('last words')
os._exit(42)
";
    let (code, _, errors) = run(script, &[("MLPACK_BOOT_ATTEMPTS", "1")]);
    assert_eq!(code, Some(3));
    let text = "worker ended with exit code 42 before init() returned\nlast words";
    assert!(errors.contains(text), "{errors}");
}

#[test]
fn an_init_that_takes_too_long_is_reported_with_the_limit() {
    let script = "import time\ndef init():\n    time.sleep(1000)\ndef run(data):\n    pass\n";
    let (code, _, errors) = run(script, &[("WORKER_TIMEOUT", "1"), ("MLPACK_BOOT_ATTEMPTS", "1")]);
    assert_eq!(code, Some(3));
    assert!(errors.contains("init() did not return within 1 s (WORKER_TIMEOUT)"), "{errors}");
}

#[test]
fn requests_before_the_first_start_wait_and_health_says_no() {
    let script = "
import os, time
def init():
    while not os.path.exists('go'):
        time.sleep(0.005)
def run(data):
    return data
";
    let service = Service::start(script, &[]);
    assert_eq!(service.get("/").status, 503);
    let mut early = service.begin(&crate::client::request("POST", "/score", &[], b"early"));
    service.write("go", "1");
    assert_eq!(crate::client::read(&mut early).text(), "\"early\"");
    assert_eq!(service.get("/").status, 200);
}

#[test]
fn wrong_usage_and_settings_end_with_2() {
    let dir = tempfile::tempdir().unwrap();
    let code = |arguments: &[&str], settings: &[(&str, &str)]| {
        command(dir.path(), arguments, settings).output().unwrap().status.code()
    };
    assert_eq!(code(&["nothing"], &[]), Some(2));
    assert_eq!(code(&["serve", "--", "true"], &[("WORKER_COUNT", "0")]), Some(2));
    assert_eq!(code(&["serve", "--", "true"], &[("MLPACK_KEYS_FILE", "/nowhere")]), Some(2));
    assert_eq!(code(&["--version"], &[]), Some(0));
}
