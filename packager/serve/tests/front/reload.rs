//! SIGHUP: workers are replaced without a pause, or stay if the new script does not start.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::kit::Service;

const OLD: &str = "def init():\n    pass\n\n\ndef run(data):\n    return 'old'\n";

#[test]
fn a_reload_refuses_no_request() {
    let service = Service::ready(OLD, &[("WORKER_COUNT", "2")]);
    assert_eq!(service.score("1").text(), "\"old\"");
    let done = AtomicBool::new(false);
    let answers = std::thread::scope(|scope| {
        let asking = scope.spawn(|| {
            let mut answers = Vec::new();
            while !done.load(Ordering::Relaxed) {
                let answer = service.score("1");
                answers.push((answer.status, answer.text()));
            }
            answers
        });
        service.write("score.py", &OLD.replace("'old'", "'new'"));
        service.signal("HUP");
        // Requests alternate between the workers.
        let mut new = 0;
        while new < 20 {
            new = if service.score("1").text() == "\"new\"" { new + 1 } else { 0 };
        }
        done.store(true, Ordering::Relaxed);
        asking.join().unwrap()
    });
    assert!(answers.iter().all(|(status, _)| *status == 200), "{answers:?}");
    assert_eq!(service.score("1").text(), "\"new\"");
    assert_eq!(service.metric("mlpack_workers_ready "), Some(2.0));
}

#[test]
fn a_script_that_does_not_start_leaves_the_old_workers() {
    let service = Service::ready(OLD, &[]);
    service.write("score.py", "def run(data:\n");
    service.signal("HUP");
    let line = service.log.wait_for(|line| line.contains("was not reloaded"));
    assert!(line.contains("SyntaxError"), "{line}");
    assert_eq!(service.score("1").text(), "\"old\"");
    service.write("score.py", &OLD.replace("'old'", "'fixed'"));
    service.signal("HUP");
    service.log.wait_for(|line| line.contains("worker 0 reloaded"));
    assert_eq!(service.score("1").text(), "\"fixed\"");
}
