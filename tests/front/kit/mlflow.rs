//! A real MLflow from the package index.

use std::io::{BufRead as _, BufReader};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::context::TestContext;
use super::python_tools::python_with;

/// The release that the tests are written for.
const RELEASE: &str = "mlflow==3.17.2";

/// An installed MLflow.
pub(crate) struct Mlflow {
    python: PathBuf,
}

/// A tracking server, which ends with the value.
pub(crate) struct TrackingServer {
    /// `http://127.0.0.1:PORT`
    pub(crate) uri: String,
    child: Child,
}

/// MLflow, installed once for all tests; `None` without a package index or a Python that it runs on.
#[track_caller]
pub(crate) fn mlflow() -> Option<Mlflow> {
    python_with("mlflow", &[RELEASE]).map(|python| Mlflow { python })
}

impl Mlflow {
    /// Runs a script in the context's folder and returns the first line that it prints.
    #[track_caller]
    pub(crate) fn run(&self, context: &TestContext, script: &str, arguments: &[&str]) -> String {
        context.write("mlflow_script.py", script);
        let program = self.python.to_string_lossy();
        let mut command = context.program(&program, &[&["mlflow_script.py"], arguments].concat());
        quiet(&mut command);
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        // The client prints more lines.
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.lines().next().unwrap_or_default().to_owned()
    }

    /// Starts a tracking server in the context's folder that keeps runs and artifacts there.
    #[track_caller]
    pub(crate) fn serve(&self, context: &TestContext) -> TrackingServer {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let port = address.port().to_string();
        let arguments = [
            "-m",
            "mlflow",
            "server",
            "--host",
            "127.0.0.1",
            "--port",
            &port,
            "--workers",
            "1",
            "--backend-store-uri",
            "sqlite:///server.db",
            "--artifacts-destination",
            "./served",
        ];
        let mut command = context.program(&self.python.to_string_lossy(), &arguments);
        quiet(&mut command);
        command.process_group(0);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        // A pipe that nobody reads fills up.
        std::thread::spawn(move || lines.for_each(drop));
        let deadline = Instant::now() + Duration::from_secs(120);
        while TcpStream::connect(address).is_err() {
            assert!(Instant::now() < deadline, "the tracking server does not start");
            assert!(child.try_wait().unwrap().is_none(), "the tracking server has ended");
            std::thread::sleep(Duration::from_millis(200));
        }
        TrackingServer { uri: format!("http://{address}"), child }
    }
}

/// MLflow asks for git and sends telemetry otherwise.
fn quiet(command: &mut Command) {
    command.env("MLFLOW_DISABLE_TELEMETRY", "true").env("GIT_PYTHON_REFRESH", "quiet");
    command.env("MLFLOW_ALLOW_FILE_STORE", "true");
    command.env("MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "false");
}

impl Drop for TrackingServer {
    fn drop(&mut self) {
        // It starts other processes, which are in its group.
        let group = format!("kill -s TERM -- -{}", self.child.id());
        let _ = Command::new("sh").args(["-c", &group]).status();
        let _ = self.child.wait();
    }
}
