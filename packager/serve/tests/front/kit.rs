//! A running service with a script of the test.

use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use crate::client::{Answer, Connection, connect, get, request, send};

/// Whether everything that a test needs must be here: `MLPACK_TEST_REQUIRE` is 1.
pub(crate) fn is_required() -> bool {
    std::env::var("MLPACK_TEST_REQUIRE").is_ok_and(|value| value == "1")
}

/// Says that a test cannot run here, which is a failure if [`is_required`].
pub(crate) fn skip(reason: &str) {
    assert!(!is_required(), "this test must run here, but: {reason}");
    println!("skipped: {reason}");
}

/// Lines of a stream, readable while they arrive.
#[derive(Clone, Default)]
pub(crate) struct Lines(Arc<(Mutex<Vec<String>>, Condvar)>);

impl Lines {
    fn collect(from: impl Read + Send + 'static) -> Self {
        let lines = Self::default();
        let target = lines.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(from).split(b'\n').map_while(Result::ok) {
                let line = String::from_utf8_lossy(&line).into_owned();
                target.0.0.lock().unwrap().push(line);
                target.0.1.notify_all();
            }
        });
        lines
    }

    /// Waits for a line that `matches` and returns it.
    pub(crate) fn wait_for(&self, matches: impl Fn(&str) -> bool) -> String {
        let mut lines = self.0.0.lock().unwrap();
        let mut seen = 0;
        loop {
            if let Some(line) = lines[seen..].iter().find(|line| matches(line)) {
                return line.clone();
            }
            seen = lines.len();
            let (guard, waited) = self.0.1.wait_timeout(lines, Duration::from_secs(120)).unwrap();
            lines = guard;
            assert!(!waited.timed_out(), "no such line in:\n{}", lines.join("\n"));
        }
    }

    /// All lines so far.
    pub(crate) fn text(&self) -> String {
        self.0.0.lock().unwrap().join("\n")
    }
}

/// A service that ends with the test.
pub(crate) struct Service {
    child: Child,
    pub(crate) dir: tempfile::TempDir,
    pub(crate) address: String,
    pub(crate) operations: String,
    pub(crate) log: Lines,
    pub(crate) errors: Lines,
}

/// The newest Python on this machine that has what the worker needs.
pub(crate) fn python() -> PathBuf {
    let found = pythons().pop().expect("a Python 3 on PATH or under ~/.pyenv/versions");
    found.1
}

/// All Pythons of this machine, oldest first, each with its minor version.
pub(crate) fn pythons() -> Vec<(u32, PathBuf)> {
    let home = std::env::var("HOME").unwrap_or_default();
    let installed = std::fs::read_dir(Path::new(&home).join(".pyenv/versions"));
    let installed = installed.into_iter().flatten().flatten().map(|entry| entry.path());
    let mut candidates: Vec<PathBuf> = installed.map(|path| path.join("bin/python")).collect();
    candidates.push("/usr/bin/python3".into());
    let mut found: Vec<(u32, PathBuf)> = candidates
        .into_iter()
        .filter_map(|path| {
            let program = "import sys; print(*sys.version_info[:2])";
            let output = Command::new(&path).args(["-c", program]).output().ok()?;
            let text = String::from_utf8(output.stdout).ok()?;
            let minor = text.trim().strip_prefix("3 ")?.parse().ok()?;
            Some((minor, path))
        })
        .collect();
    found.sort();
    found.dedup_by_key(|(minor, _)| *minor);
    found
}

/// The folder of the builtin worker.
pub(crate) fn worker() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("worker")
}

impl Service {
    /// Starts a service and waits until it listens.
    pub(crate) fn start(script: &str, settings: &[(&str, &str)]) -> Self {
        Self::with(&python(), script, settings)
    }

    /// Starts a service and waits until a worker is ready.
    pub(crate) fn ready(script: &str, settings: &[(&str, &str)]) -> Self {
        let service = Self::start(script, settings);
        service.wait_until_ready();
        service
    }

    /// Starts a service with a certain interpreter.
    pub(crate) fn with(python: &Path, script: &str, settings: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("score.py"), script).unwrap();
        let worker = worker().display().to_string();
        let arguments = ["serve", "--", python.to_str().unwrap(), "-B", &worker];
        Self::run(dir, &arguments, settings)
    }

    /// Starts the binary in a folder with a script.
    pub(crate) fn run(
        dir: tempfile::TempDir,
        arguments: &[&str],
        settings: &[(&str, &str)],
    ) -> Self {
        let mut child = command(dir.path(), arguments, settings).spawn().unwrap();
        let log = Lines::collect(child.stdout.take().unwrap());
        let errors = Lines::collect(child.stderr.take().unwrap());
        let line = log.wait_for(|line| line.contains("\"listening\""));
        let line: serde_json::Value = serde_json::from_str(&line).unwrap();
        let text = |key: &str| line[key].as_str().unwrap().to_owned();
        let (address, operations) = (text("address"), text("operations"));
        Self { child, dir, address, operations, log, errors }
    }

    /// Waits until a worker is ready.
    pub(crate) fn wait_until_ready(&self) {
        while get(&self.operations, "/readyz").status != 200 {
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Sends a POST request to `/score`.
    pub(crate) fn score(&self, body: &str) -> Answer {
        send(&self.address, &request("POST", "/score", &[], body.as_bytes()))
    }

    /// Sends a GET request.
    pub(crate) fn get(&self, path: &str) -> Answer {
        get(&self.address, path)
    }

    /// Sends a request.
    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        send(&self.address, &request(method, path, headers, body))
    }

    /// Writes a request and returns the connection, on which the answer will be.
    pub(crate) fn begin(&self, request: &[u8]) -> Box<dyn Connection> {
        let mut stream = connect(&self.address);
        stream.write_all(request).unwrap();
        stream
    }

    /// Waits for a file that the script writes and returns its text.
    pub(crate) fn wait_for_file(&self, name: &str) -> String {
        let path = self.dir.path().join(name);
        loop {
            match std::fs::read_to_string(&path) {
                Ok(text) if !text.is_empty() => return text,
                _ => std::thread::sleep(Duration::from_millis(5)),
            }
        }
    }

    /// Writes a file for the script.
    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.dir.path().join(name), text).unwrap();
    }

    /// Sends a signal to the front door.
    pub(crate) fn signal(&self, name: &str) {
        signal(name, self.child.id());
    }

    /// Waits for the end of the front door.
    pub(crate) fn end(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    /// The figure of a metric's line.
    pub(crate) fn metric(&self, line: &str) -> Option<f64> {
        let text = get(&self.operations, "/metrics").text();
        text.lines().find_map(|found| found.strip_prefix(line)?.trim().parse().ok())
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The binary with settings for tests.
pub(crate) fn command(dir: &Path, arguments: &[&str], settings: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mlpack-serve"));
    let kept = ["PATH", "HOME"].map(|name| (name, std::env::var_os(name).unwrap_or_default()));
    command.args(arguments).env_clear().envs(kept);
    command.env("MLPACK_LISTEN", "127.0.0.1:0").env("MLPACK_OPERATIONS_LISTEN", "127.0.0.1:0");
    command.env("AML_APP_ROOT", dir).env("AZUREML_ENTRY_SCRIPT", "score.py");
    command.envs(settings.iter().copied());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Sends a signal to a process.
pub(crate) fn signal(name: &str, pid: u32) {
    // The shell's own `kill`: a minimal system has no other.
    let command = format!("kill -s {name} {pid}");
    let sent = Command::new("sh").args(["-c", &command]).status().unwrap();
    assert!(sent.success());
}

/// Waits until a process is gone; one that is not reaped counts as there.
pub(crate) fn wait_until_gone(pid: &str) {
    while Path::new("/proc").join(pid.trim()).exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
}
