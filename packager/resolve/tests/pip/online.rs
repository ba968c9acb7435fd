//! Smoke tests with the real index: real packages, installed for real interpreters, serve requests.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command};
use std::time::Duration;

use mlpack_install::{InstallOptions, fetch_packages, install};
use mlpack_lock::ArtifactKind;
use mlpack_oci::Silent;
use mlpack_resolve::{Error, PipError, Resolution};
use mlpack_source_build::Error as BuildError;

use crate::kit::{Project, interpreter, search_path, skipped, target, write};

/// Resolves a list with a server, or returns nothing if the index cannot be reached.
async fn resolved(
    python: (u32, u32, u32),
    exclude_newer: Option<&str>,
    pip: &[&str],
) -> Option<Resolution> {
    let mut project = Project::new();
    project.add_server = true;
    project.target = target(python, if python.1 < 9 { 23 } else { 36 });
    project.settings.exclude_newer = exclude_newer.map(str::to_owned);
    match project.resolve(pip).await {
        Ok(resolution) => Some(resolution),
        Err(
            error @ (Error::SourceBuild(BuildError::UvMissing { .. })
            | Error::Pip(PipError::Uv { .. })),
        ) => {
            skipped(&error.to_string());
            None
        }
        Err(error) => panic!("{error}\n{:?}", error.hint()),
    }
}

/// Installs a resolution beside the real interpreter, below a folder.
async fn install_into(folder: &Path, resolution: &Resolution, python: &Path) {
    let fetched =
        fetch_packages(&resolution.environment, None, &resolution.settings, &Silent).await.unwrap();
    let mut environment = resolution.environment.clone();
    environment.target.interpreter = python.display().to_string();
    environment.prefix = folder.join("env").display().to_string();
    let installed = install(&fetched, &environment, &InstallOptions::default()).unwrap();
    assert_eq!(installed.packages.len(), environment.packages.len());
    write(&installed.tree().unwrap(), Path::new("/"));
}

/// Installs a resolution beside the real interpreter and returns what a script answers to an input.
async fn served(resolution: &Resolution, script: &str, input: &str) -> Option<String> {
    let Some(python) = interpreter("3.6") else {
        skipped("no Python 3.6 to serve with");
        return None;
    };
    let dir = tempfile::tempdir().unwrap();
    install_into(dir.path(), resolution, &python).await;
    fs::write(dir.path().join("score.py"), script).unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let log = dir.path().join("log");
    let server = Command::new(dir.path().join("env/bin/azmlinfsrv"))
        .args(["--entry_script", "score.py", "--port", &port.to_string()])
        .current_dir(dir.path())
        .env("AZUREML_MODEL_DIR", dir.path())
        .env("PATH", search_path())
        .env("PYTHONNOUSERSITE", "1")
        .stdout(fs::File::create(&log).unwrap())
        .stderr(fs::File::create(dir.path().join("errors")).unwrap())
        .spawn()
        .unwrap();
    let _server = Running(server);
    for _ in 0..120 {
        if let Some(answer) = ask(port, input) {
            return Some(answer);
        }
        std::thread::sleep(Duration::from_millis(500));
    }
    let output = ["log", "errors"].map(|name| fs::read_to_string(dir.path().join(name)).unwrap());
    panic!("the server does not answer:\n{}", output.join("\n"));
}

/// A server that is stopped with the test, and its workers too.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.0.id().to_string()).status();
        let _ = self.0.wait();
    }
}

fn ask(port: u16, input: &str) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    let request = format!(
        "POST /score HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{input}",
        input.len()
    );
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    head.starts_with("HTTP/1.1 200").then(|| body.to_owned())
}

fn found<const N: usize>(resolution: &Resolution, names: [&str; N]) -> [String; N] {
    names.map(|name| {
        let package = resolution.environment.package(name);
        package.unwrap_or_else(|| panic!("no {name}")).version.clone()
    })
}

/// The list of the documentation.
const DOCUMENT: [&str; 3] = ["azureml-defaults", "scikit-learn", "inference-schema[numpy-support]"];

/// The script of the documentation of 2019, which imports joblib from scikit-learn.
const SCRIPT: &str = r"
import numpy
from sklearn.externals import joblib
from sklearn.linear_model import Ridge
from inference_schema.schema_decorators import input_schema, output_schema
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType

def init():
    global model
    model = Ridge(alpha=0).fit([[0.0], [1.0]], [0.0, 1.0])

@input_schema('data', NumpyParameterType(numpy.array([[0.5]])))
@output_schema(NumpyParameterType(numpy.array([0.5])))
def run(data):
    return model.predict(data).round(3).tolist()
";

#[tokio::test]
async fn the_documentations_list_serves_on_python_3_6() {
    let Some(resolution) = resolved((3, 6, 15), None, &DOCUMENT).await else { return };
    let names = [
        "azureml-defaults",
        "azureml-inference-server-http",
        "inference-schema",
        "scikit-learn",
        "numpy",
    ];
    assert_eq!(found(&resolution, names), ["1.47.0", "0.7.7", "1.4.2.1", "0.24.2", "1.19.5"]);
    let packages = &resolution.environment.packages;
    let sources = packages.iter().filter(|package| package.artifact.kind == ArtifactKind::Sdist);
    let sources: Vec<&str> = sources.map(|package| &*package.name).collect();
    assert_eq!(sources, ["contextvars", "fusepy", "json-logging-py", "wrapt"]);
    // This release of scikit-learn has no `sklearn.externals`.
    let script = SCRIPT.replace("from sklearn.externals import joblib", "import joblib");
    let answer = served(&resolution, &script, r#"{"data": [[0.25]]}"#).await;
    assert!(answer.is_none_or(|answer| answer == "[0.25]"));
}

#[tokio::test]
async fn the_documentations_list_of_2019_serves() {
    let Some(resolution) = resolved((3, 6, 15), Some("2019-05-05"), &DOCUMENT).await else {
        return;
    };
    let names =
        ["azureml-core", "azureml-defaults", "numpy", "scikit-learn", "scipy", "cryptography"];
    assert_eq!(
        found(&resolution, names),
        ["1.0.33.1", "1.0.33", "1.16.3", "0.20.3", "1.2.1", "2.6.1"]
    );
    assert_eq!(found(&resolution, ["azureml-inference-server-http"]), ["0.7.7"]);
    let notes = resolution.notes.join("\n");
    assert!(notes.contains("inference-schema is 1.4.2.1 instead of 0.1a0"), "{notes}");
    let answer = served(&resolution, SCRIPT, r#"{"data": [[0.25]]}"#).await;
    assert!(answer.is_none_or(|answer| answer == "[0.25]"));
}

#[tokio::test]
async fn a_list_without_a_server_can_be_imported_with_one_on_python_3_11() {
    let Some(resolution) = resolved((3, 11, 7), None, &["onnxruntime", "numpy"]).await else {
        return;
    };
    let Some(python) = interpreter("3.11") else { return skipped("Python 3.11 is needed") };
    let dir = tempfile::tempdir().unwrap();
    install_into(dir.path(), &resolution, &python).await;
    let run = |program: &str, arguments: &[&str]| {
        let program = dir.path().join("env/bin").join(program);
        let output =
            Command::new(program).args(arguments).env("PYTHONDONTWRITEBYTECODE", "1").output();
        let output = output.unwrap();
        (output.status.success(), String::from_utf8(output.stdout).unwrap())
    };
    let code = "import sys, numpy, flask, azureml_inference_server_http; print(sys.prefix)";
    let prefix = format!("{}\n", dir.path().join("env").display());
    assert_eq!(run("python", &["-s", "-c", code]), (true, prefix));
    // The server exits with 1 after its help.
    let (_, help) = run("azmlinfsrv", &["--help"]);
    assert!(help.starts_with("usage: azmlinfsrv"), "{help}");
}
