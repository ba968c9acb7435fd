//! `mlpack serve`: the loop of editing a script and asking it.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use snapbox::str;

use crate::kit::{Answer, TestContext, post};

const SCRIPT: &str = "def init():\n    pass\n\n\ndef run(data):\n    return 'old'\n";

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

struct Serving {
    child: Child,
    uri: String,
    errors: Receiver<String>,
}

impl Serving {
    fn start(context: &TestContext, more: &[&str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port().to_string();
        drop(listener);
        let args = ["serve", "--es", "score.py", "--port", &port];
        let mut command = context.command(&[&args[..], more].concat());
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let (sender, errors) = channel();
        let pipe = BufReader::new(child.stderr.take().unwrap());
        std::thread::spawn(move || {
            pipe.lines().map_while(Result::ok).all(|line| sender.send(line).is_ok())
        });
        Self { child, uri: format!("http://127.0.0.1:{port}/score"), errors }
    }

    /// Waits for a line that begins with a text and returns the lines until then.
    #[track_caller]
    fn wait_for(&self, text: &str) -> String {
        let mut lines = String::new();
        loop {
            let line = self.errors.recv_timeout(PATIENCE).expect(&lines);
            lines += &format!("{line}\n");
            if line.starts_with(text) {
                return lines;
            }
        }
    }

    fn score(&self) -> String {
        post(&self.uri, "1").body
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id();
        let command = format!("kill -s {name} {pid}");
        assert!(
            std::process::Command::new("sh").args(["-c", &command]).status().unwrap().success()
        );
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn context() -> TestContext {
    let context = TestContext::bare().running().own_cache().inheriting(&["PATH"]);
    context.write("score.py", SCRIPT);
    context
}

fn normalized(context: &TestContext, text: &str) -> Answer {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.retain(|line| !line.starts_with("Serving with"));
    context.normalized(&lines.join("\n"))
}

#[test]
fn a_change_is_served_without_a_restart() {
    let mut context = context();
    context.name_pattern(r"127\.0\.0\.1:\d+", "127.0.0.1:[PORT]");
    context.name_pattern(r"[\d.]+ ms", "[TIME] ms");
    let mut serving = Serving::start(&context, &[]);
    serving.wait_for("Ready at");
    assert_eq!(serving.score(), "\"old\"");
    context.write("score.py", SCRIPT.replace("'old'", "'new'"));
    normalized(&context, &serving.wait_for("Reloaded")).is(str![[r#"
POST /score 200 in [TIME] ms
Reloading: score.py changed
Reloaded in [TIME] ms
"#]]);
    assert_eq!(serving.score(), "\"new\"");
    context.write("score.py", SCRIPT.replace("pass", "raise OSError('no model')"));
    normalized(&context, &serving.wait_for("OSError")).is(str![[r#"
POST /score 200 in [TIME] ms
Reloading: score.py changed
files in AZUREML_MODEL_DIR (azureml-models):
worker 0 was not reloaded and goes on as it was: Traceback (most recent call last):
  File "score.py", line 2, in init
    raise OSError('no model')
OSError: no model
"#]]);
    assert_eq!(serving.score(), "\"new\"");
    serving.signal("INT");
    assert_eq!(serving.child.wait().unwrap().code(), Some(0));
    assert_eq!(fs::read_dir(context.root().join("cache/serve")).unwrap().count(), 0);
}

#[test]
fn a_script_that_does_not_start_waits_for_a_change() {
    let context = context();
    context.write(
        "score.py",
        "import not_there\n\n\ndef init():\n    pass\n\n\ndef run(data):\n    pass\n",
    );
    let serving = Serving::start(&context, &[]);
    let said = serving.wait_for("Waiting for a change");
    assert!(said.contains("the Python module `not_there` is not in the image"), "{said}");
    context.write("score.py", SCRIPT);
    serving.wait_for("Ready at");
    assert_eq!(serving.score(), "\"old\"");
}

#[test]
fn without_reload_a_script_that_does_not_start_ends_the_command() {
    let context = context();
    context.write(
        "score.py",
        "def init():\n    raise OSError('no model')\n\n\ndef run(data):\n    pass\n",
    );
    let mut serving = Serving::start(&context, &["--no-reload"]);
    let said = serving.wait_for("hint:");
    assert!(said.contains("raised `OSError: no model`"), "{said}");
    assert_eq!(serving.child.wait().unwrap().code(), Some(4));
}

#[test]
fn nothing_is_left_of_a_killed_command() {
    let context = context();
    let mut serving = Serving::start(&context, &[]);
    serving.wait_for("Ready at");
    serving.child.kill().unwrap();
    serving.child.wait().unwrap();
    let host = serving.uri.trim_start_matches("http://").trim_end_matches("/score").to_owned();
    while std::net::TcpStream::connect(&host).is_ok() {
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn mistakes_are_reported_before_anything_starts() {
    let mut context = context();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    context.name(&port, "[PORT]");
    context.mlpack(&["serve", "--es", "score.py", "--port", &port]).is(str![[r#"
--- stderr
error: port [PORT] of this machine is in use
hint: choose another one with `--port`
--- exit code 1

"#]]);
    context.write("score.py", "def run(data:\n");
    context.mlpack(&["serve", "--es", "score.py"]).is(str![[r#"
--- stderr
error[script.syntax]: [TEMP]/work/score.py:2: column 1: unexpected EOF while parsing
  hint: fix the script; `python -m py_compile` reports the same place
error: the project has 1 error
hint: follow the hints above and run the command again; nothing was written
--- exit code 3

"#]]);
}
