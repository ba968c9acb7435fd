//! `--exclude-newer`: the list of the document in the world of its day, with a server that serves.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use mlpack_install::{InstallOptions, fetch_packages, install};
use mlpack_lock::LockTarget;
use mlpack_oci::Silent;
use mlpack_oci::layer::{Node, Tree};
use mlpack_resolve::Error;
use mlpack_resolve::PipError;
use mlpack_resolve::{Resolution, ResolveRequest, resolve};
use mlpack_source_build::Error as BuildError;

use crate::kit::{Project, conda_file, search_path, skipped, target};

async fn of_day(day: Option<&str>, pip: &[&str]) -> Option<Resolution> {
    let project = Project::new();
    let target = target((3, 6, 15), 23);
    let directory = tempfile::tempdir().unwrap();
    let file = conda_file(pip, directory.path());
    let request = ResolveRequest {
        target: LockTarget::Base(&target),
        file: Some(&file),
        directory: directory.path(),
        add_server: true,
        preferences: None,
    };
    let mut settings = project.settings;
    settings.exclude_newer = day.map(str::to_owned);
    match resolve(request, &settings, &Silent).await {
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

/// What a script answers that is laid with a resolution beside the real interpreter.
async fn served(resolution: &Resolution, script: &str, input: &str) -> Option<String> {
    let Some(python) = interpreter("python3.6") else {
        skipped("no Python 3.6 to serve with");
        return None;
    };
    let fetched =
        fetch_packages(&resolution.environment, None, &resolution.settings, &Silent).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let mut environment = resolution.environment.clone();
    environment.target.interpreter = python.display().to_string();
    environment.prefix = dir.path().join("env").display().to_string();
    write(
        &install(&fetched, &environment, &InstallOptions::default()).unwrap().tree().unwrap(),
        Path::new("/"),
    );
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
    let said = ["log", "errors"].map(|name| fs::read_to_string(dir.path().join(name)).unwrap());
    panic!("the server does not answer:\n{}", said.join("\n"));
}

/// A server that ends with the test, its workers too.
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

fn interpreter(name: &str) -> Option<PathBuf> {
    let path = search_path();
    let found = std::env::split_paths(&path).find_map(|dir| {
        let output = Command::new(dir.join(name))
            .args(["-c", "import sys; print(sys.executable)"])
            .output()
            .ok()?;
        output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
    });
    found.map(|path| PathBuf::from(path.trim()))
}

/// Writes a tree's files below a folder, as a layer would be unpacked.
fn write(tree: &Tree, root: &Path) {
    for (path, node) in tree.iter() {
        let path = root.join(path);
        match node {
            Node::Directory { .. } | Node::Inherited { .. } => fs::create_dir_all(path).unwrap(),
            Node::Symlink { target } => symlink(target, path).unwrap(),
            Node::File { executable, content, .. } => {
                let mut file = fs::File::create(&path).unwrap();
                std::io::copy(&mut content.open().unwrap(), &mut file).unwrap();
                let mode = if *executable { 0o755 } else { 0o644 };
                file.set_permissions(fs::Permissions::from_mode(mode)).unwrap();
            }
        }
    }
}

fn found<const N: usize>(resolution: &Resolution, names: [&str; N]) -> [String; N] {
    names.map(|name| {
        let package = resolution.environment.package(name);
        package.unwrap_or_else(|| panic!("no {name}")).version.clone()
    })
}

const DOCUMENT: [&str; 3] = ["azureml-defaults", "scikit-learn", "inference-schema[numpy-support]"];

/// As the document has it, joblib from scikit-learn and all.
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
async fn the_documents_list_in_the_world_of_its_day_serves() {
    let Some(resolution) = of_day(Some("2019-05-05"), &DOCUMENT).await else { return };
    let names =
        ["azureml-core", "azureml-defaults", "numpy", "scikit-learn", "scipy", "cryptography"];
    assert_eq!(
        found(&resolution, names),
        ["1.0.33.1", "1.0.33", "1.16.3", "0.20.3", "1.2.1", "2.6.1"]
    );
    assert_eq!(found(&resolution, ["azureml-inference-server-http"]), ["0.7.7"]);
    let notes: Vec<&str> = resolution.notes.iter().map(String::as_str).collect();
    assert!(
        notes.iter().any(|note| note.starts_with(
            "no inference server uploaded by 2019-05-05 is compatible with the pip list; adding the current azureml-inference-server-http 0.7.7 and "
        )),
        "{notes:?}"
    );
    assert!(
        notes.iter().any(|note| note.starts_with(
            "because the server needs it, inference-schema is 1.4.2.1 instead of 0.1a0, six is "
        )),
        "{notes:?}"
    );
    let answer = served(&resolution, SCRIPT, r#"{"data": [[0.25]]}"#).await;
    assert!(answer.is_none_or(|answer| answer == "[0.25]"));
}

#[tokio::test]
async fn a_list_that_pins_a_release_with_an_older_server_serves() {
    let pip = [
        "azureml-defaults==1.0.72",
        "scikit-learn==0.20.3",
        "inference-schema[numpy-support]==1.0.1",
    ];
    let Some(resolution) = of_day(None, &pip).await else { return };
    let names =
        ["azureml-defaults", "gunicorn", "inference-schema", "azureml-inference-server-http"];
    assert_eq!(found(&resolution, names), ["1.0.72", "20.1.0", "1.4.2.1", "0.7.7"]);
    assert!(
        resolution.notes.iter().any(|note| note
            == "because the server needs it, gunicorn is 20.1.0 instead of 19.9.0, inference-schema is 1.4.2.1 instead of 1.0.1"),
        "{:?}",
        resolution.notes
    );
    let answer = served(&resolution, SCRIPT, r#"{"data": [[0.25]]}"#).await;
    assert!(answer.is_none_or(|answer| answer == "[0.25]"));
}

#[tokio::test]
async fn the_documents_list_of_today_serves() {
    let Some(resolution) = of_day(None, &DOCUMENT).await else { return };
    // Today's scikit-learn has no `sklearn.externals` any more.
    let script = SCRIPT.replace("from sklearn.externals import joblib", "import joblib");
    let answer = served(&resolution, &script, r#"{"data": [[0.25]]}"#).await;
    assert!(answer.is_none_or(|answer| answer == "[0.25]"));
}

#[tokio::test]
async fn a_day_that_is_none_is_refused() {
    let project = Project::new();
    let mut settings = project.settings;
    settings.exclude_newer = Some("yesterday".to_owned());
    let target = target((3, 6, 15), 23);
    let directory = tempfile::tempdir().unwrap();
    let request = ResolveRequest {
        target: LockTarget::Base(&target),
        file: None,
        directory: directory.path(),
        add_server: true,
        preferences: None,
    };
    let error = resolve(request, &settings, &Silent).await.unwrap_err();
    if let Error::SourceBuild(BuildError::UvMissing { reason }) = error {
        return skipped(&reason);
    }
    assert!(error.to_string().starts_with("invalid date or timestamp `yesterday`: "), "{error}");
    assert_eq!(error.hint().unwrap(), "write a date as 2019-05-05");
}
