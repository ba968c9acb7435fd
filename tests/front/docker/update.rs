//! `mlpack service update` while clients send requests.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use snapbox::str;

use crate::kit::{Docker, TestContext};

/// Says which model it has.
const SCRIPT: &str = "\
import os


def init():
    pass


def run(data):
    return os.path.basename(os.environ['AZUREML_MODEL_DIR'])
";

/// A client that keeps its connection as long as the server lets it, as HTTP/1.1 has it.
struct Client {
    port: u16,
    keep: bool,
    connection: Option<BufReader<TcpStream>>,
}

impl Client {
    /// Sends a request and returns the answer's status and body.
    fn score(&mut self) -> Result<(u16, String), String> {
        let failed = |error: std::io::Error| error.to_string();
        let mut stream = match self.connection.take() {
            Some(stream) => stream,
            None => BufReader::new(TcpStream::connect(("127.0.0.1", self.port)).map_err(failed)?),
        };
        stream.get_ref().set_read_timeout(Some(Duration::from_secs(30))).map_err(failed)?;
        let close = if self.keep { "" } else { "Connection: close\r\n" };
        let request = format!(
            "POST /score HTTP/1.1\r\nHost: service\r\n{close}Content-Length: 2\r\n\r\n{{}}"
        );
        stream.get_mut().write_all(request.as_bytes()).map_err(failed)?;
        let mut status = String::new();
        stream.read_line(&mut status).map_err(failed)?;
        let code = status.split(' ').nth(1).and_then(|code| code.parse().ok());
        let code = code.ok_or_else(|| format!("no answer: {status:?}"))?;
        let (mut length, mut goes_on) = (0, self.keep);
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).map_err(failed)?;
            let line = line.trim().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().map_err(|_| line.clone())?;
            }
            goes_on &= line != "connection: close";
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).map_err(failed)?;
        self.connection = goes_on.then_some(stream);
        Ok((code, String::from_utf8_lossy(&body).into_owned()))
    }
}

/// No request fails while a service is updated.
pub(super) fn loses_no_request(context: &mut TestContext, docker: &Docker) {
    context.name_pattern(r"127\.0\.0\.1:\d{4,5}", "127.0.0.1:[PORT]");
    context.write("score.py", SCRIPT);
    for _ in 0..2 {
        context.mlpack(&["model", "register", "-n", "demo-model", "-p", "mnist/model.onnx"]).ok();
    }
    let name = docker.name.as_str();
    let deploy = |model: &str, verb: &[&str]| {
        let ic = ["-n", name, "-m", model, "--ic", "inferenceconfig.json"];
        context.mlpack(&[verb, &ic[..]].concat())
    };
    deploy("demo-model:1", &["model", "deploy", "--auth-enabled=false"]).ok();
    let uri =
        context.mlpack(&["service", "show", "-n", name, "--query", "scoringUri", "-o", "tsv"]);
    let port: u16 = uri.ok().split(&[':', '/'][..]).nth(4).unwrap().parse().unwrap();
    let ended = AtomicBool::new(false);
    let answers = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for keep in [true, false] {
            let (ended, answers) = (&ended, &answers);
            scope.spawn(move || {
                let mut client = Client { port, keep, connection: None };
                while !ended.load(Ordering::Relaxed) {
                    let answer = client.score();
                    answers.lock().unwrap().push(answer);
                }
            });
        }
        // The scope ends when the clients do, whatever fails here.
        let updates = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            deploy("demo-model:2", &["service", "update"]).is(str![[r#"
name         [SERVICE]
state        running
image        docker:[SERVICE]@[DIGEST]
scoring URI  http://127.0.0.1:[PORT]/score
swagger URI  http://127.0.0.1:[PORT]/swagger.json

"#]]);
            deploy("demo-model:3", &["service", "update"]).ok();
            // What an update that was killed leaves.
            let front = docker.run(&["inspect", "-f", "{{.Id}}", name]);
            let labels =
                [format!("org.mlpack.service={name}"), format!("org.mlpack.front={front}")];
            let stale = format!("{name}.9");
            let create = ["create", "--name", &stale, "--label", &labels[0], "--label", &labels[1]];
            docker.run(&[&create[..], &[&format!("{name}:latest")]].concat());
            // Only its settings change.
            let args = ["service", "update", "-n", name, "--cpu-cores", "0.9"];
            context.mlpack(&[&args[..], &["--add-tag", "stage=test"]].concat()).is(str![[r#"
name         [SERVICE]
state        running
image        docker:[SERVICE]@[DIGEST]
tags         stage=test
scoring URI  http://127.0.0.1:[PORT]/score
swagger URI  http://127.0.0.1:[PORT]/swagger.json

"#]]);
            // One that does not start changes nothing.
            context.write(
                "score.py",
                "def init():\n    raise ValueError('broken')\n\n\ndef run(data):\n    pass\n",
            );
            let broken = deploy("demo-model:1", &["service", "update", "--timeout", "60"]);
            assert_eq!(broken.code, 4, "{}", broken.stderr);
            thread::sleep(Duration::from_secs(1));
        }));
        ended.store(true, Ordering::Relaxed);
        updates.unwrap();
    });
    let answers = answers.into_inner().unwrap();
    let failed: Vec<_> = answers.iter().filter(|answer| !matches!(answer, Ok((200, _)))).collect();
    println!("{} requests, {} failed", answers.len(), failed.len());
    assert!(failed.is_empty(), "{} of {}: {:?}", failed.len(), answers.len(), failed.first());
    let mut versions: Vec<&str> =
        answers.iter().filter_map(|answer| Some(&*answer.as_ref().ok()?.1)).collect();
    assert!(versions.len() > 100);
    versions.sort_unstable();
    versions.dedup();
    assert_eq!(versions, [r#""1""#, r#""2""#, r#""3""#]);
    // One that relays and one that answers are left.
    let filter = format!("label=org.mlpack.service={name}");
    let left = docker.run(&["ps", "--all", "--filter", &filter, "--format", "{{.Names}}"]);
    assert_eq!(left.lines().count(), 2, "{left}");
    context
        .mlpack(&["service", "show", "-n", name, "--query", "[tags, state, models[0].version]"])
        .is(str![[r#"
[
  {
    "stage": "test"
  },
  "running",
  3
]

"#]]);
    // The engine may start the relay again at any time.
    docker.run(&["restart", "--time", "3", name]);
    assert_eq!(context.mlpack(&["service", "run", "-n", name, "-d", "{}"]).ok(), r#""3""#);
    context.mlpack(&["service", "delete", "-n", name]).ok();
    assert_eq!(docker.run(&["ps", "--all", "--quiet", "--filter", &filter]), "");
}
