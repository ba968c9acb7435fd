//! Models of runs of MLflow: on a tracking server, in its database, and in a folder.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use snapbox::str;

use crate::kit::{TestContext, has, mlflow};
use crate::model_sources::register;
use crate::models::context;
use crate::need;

/// Logs an artifact and a model, and prints the run.
const TRAIN: &str = "
import sys, mlflow


class Model(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return model_input


mlflow.set_tracking_uri(sys.argv[1])
mlflow.set_experiment('iris')
with mlflow.start_run() as run:
    mlflow.log_text('weights', 'outputs/model.txt')
    mlflow.log_text('more', 'outputs/deep/more.txt')
    mlflow.pyfunc.log_model(name='passing', python_model=Model())
    print(run.info.run_id)
";

#[test]
fn models_of_runs_are_registered() {
    let mlflow = need!(mlflow());
    let mut context = context();
    let server = mlflow.serve(&context);
    context.name(&server.uri, "[SERVER]");
    let folder = format!("file://{}", context.path("runs").display());
    for store in [server.uri.as_str(), "sqlite:///mlflow.db", &folder] {
        let run = mlflow.run(&context, TRAIN, &[store]);
        let register = |artifact: &str, of: &[&str]| {
            let args = ["model", "register", "-n", "m", "--tracking-uri", store];
            context.mlpack(&[&args[..], &["--asset-path", artifact], of].concat())
        };
        let newest = ["--experiment-name", "iris", "--query", "[entry, experimentName, runId]"];
        let file = register("outputs/model.txt", &newest).json();
        assert_eq!(file, serde_json::json!(["model.txt", "iris", run]), "{store}");
        let of_run = ["--run-id", &run, "--query", "files[].path"];
        register("outputs", &of_run).is(str![[r#"
[
  "outputs",
  "outputs/deep",
  "outputs/deep/more.txt",
  "outputs/model.txt"
]

"#]]);
        let files = register("passing", &of_run).json();
        let files: Vec<&str> =
            files.as_array().unwrap().iter().map(|path| path.as_str().unwrap()).collect();
        assert!(files.contains(&"passing/MLmodel"), "{store}: {files:?}");
        assert!(files.contains(&"passing/python_model.pkl"), "{store}: {files:?}");
        assert_eq!(
            register("passing/MLmodel", &["--run-id", &run, "--query", "entry"]).json(),
            "MLmodel"
        );
        let absent = register("absent", &["--run-id", &run]);
        assert!(absent.stderr.contains("has no artifact `absent`"), "{}", absent.stderr);
        assert!(absent.stderr.contains("it has outputs, passing"), "{}", absent.stderr);
        assert!(register("x", &["--run-id", "0123"]).stderr.contains("there is no run `0123`"));
        assert!(
            register("x", &["--experiment-name", "none"])
                .stderr
                .contains("there is no experiment `none`")
        );
    }
    // The bytes are those that the server has.
    let args = ["model", "register", "-n", "whole", "--tracking-uri", &server.uri];
    context
        .mlpack(&[&args[..], &["--asset-path", "passing", "--experiment-name", "iris"]].concat())
        .ok();
    context.mlpack(&["model", "download", "-i", "whole:1", "-t", "got"]).ok();
    let served = fs::read_dir(context.path("served/1/models")).unwrap().flatten().next().unwrap();
    let served = served.path().join("artifacts").display().to_string();
    let compared = ["-r", "got/passing", &served];
    context.answer(context.program("diff", &compared), "").ok();
}

/// An `mlruns` folder as MLflow 1 and 2 wrote it.
fn old_runs(context: &TestContext) {
    context.write("mlruns/0/meta.yaml", "experiment_id: '0'\nname: Default\n");
    context.write("mlruns/7/meta.yaml", "experiment_id: '7'\nname: iris\n");
    for (run, started) in [("aaa", 1), ("bbb", 2)] {
        let meta = format!(
            "artifact_uri: file:///elsewhere/mlruns/7/{run}/artifacts\nexperiment_id: '7'\nlifecycle_stage: active\nrun_uuid: {run}\nstart_time: {started}\n"
        );
        context.write(&format!("mlruns/7/{run}/meta.yaml"), meta);
        context.write(&format!("mlruns/7/{run}/artifacts/outputs/model.pkl"), run);
    }
}

#[test]
fn an_old_folder_of_runs_is_read() {
    let context = context();
    old_runs(&context);
    let asset = ["--asset-path", "outputs/model.pkl"];
    let from = |run: &[&str]| register(&context, &[&asset[..], run].concat());
    from(&["--experiment-name", "iris"]).is(str![[r#"
id          m:1
file        model.pkl (3 B)
created     [NOW]
experiment  iris
run         bbb

"#]]);
    from(&["--run-id", "aaa", "--query", "[entry, experimentName, runId]"]).is(str![[r#"
[
  "model.pkl",
  "iris",
  "aaa"
]

"#]]);
    context.write("run.json", r#"{"_experiment_name": "iris", "run_id": "aaa"}"#);
    from(&["-f", "run.json", "--query", "id"]).ok();
    from(&["--experiment-name", "other"]).is(str![[r#"
--- stderr
error: there is no experiment `other` in mlruns; it has Default, iris
--- exit code 1

"#]]);
    from(&["--experiment-name", "Default"]).is(str![[r#"
--- stderr
error: experiment `Default` has no run in mlruns
--- exit code 1

"#]]);
    from(&["--experiment-name", "Default", "--run-id", "aaa"]).is(str![[r#"
--- stderr
error: run `aaa` is of experiment `iris`, not of `Default` in mlruns
--- exit code 1

"#]]);
    from(&["--run-id", "../7/aaa"]).is(str![[r#"
--- stderr
error: there is no run `../7/aaa` in mlruns
--- exit code 1

"#]]);
    register(&context, &["--asset-path", "model.pkl", "--run-id", "aaa"]).is(str![[r#"
--- stderr
error: run `aaa` has no artifact `model.pkl` in mlruns; it has outputs
--- exit code 1

"#]]);
    register(&context, &["--asset-path", "../meta.yaml", "--run-id", "aaa"]).is(str![[r#"
--- stderr
error: run `aaa` has no artifact `../meta.yaml` in mlruns; it has outputs
--- exit code 1

"#]]);
    assert_eq!(context.mlpack(&["model", "list", "--query", "length(@)"]).ok(), "3");
}

/// Makes a database with the columns of MLflow 3 that are read, and locks it if there is a second argument.
const DATABASE: &str = r#"
import sqlite3, sys, time
c = sqlite3.connect("mlflow.db")
if len(sys.argv) == 1:
    c.executescript("""
CREATE TABLE experiments (experiment_id INTEGER, name TEXT, lifecycle_stage TEXT);
CREATE TABLE runs (run_uuid TEXT, experiment_id INTEGER, artifact_uri TEXT, start_time INTEGER, lifecycle_stage TEXT);
CREATE TABLE logged_models (model_id TEXT, name TEXT, artifact_location TEXT, source_run_id TEXT,
    lifecycle_stage TEXT, creation_timestamp_ms INTEGER);
INSERT INTO experiments VALUES (1, 'iris', 'active');
INSERT INTO runs VALUES ('aaa', 1, 'arts/aaa', 1, 'active'), ('bbb', 1, 's3://bucket/bbb', 2, 'active');
INSERT INTO logged_models VALUES ('m-1', 'ridge', 'arts/m-1', 'aaa', 'active', 1);
""")
else:
    c.execute("BEGIN EXCLUSIVE")
    print("locked", flush=True)
    time.sleep(60)
"#;

#[test]
fn the_database_of_mlflow_is_read() {
    need!(has("python3").then_some(()));
    let context = context().inheriting(&["PATH"]);
    context.write("database.py", DATABASE);
    context.answer(context.program("python3", &["database.py"]), "").ok();
    context.write("arts/aaa/outputs/model.pkl", "weights");
    context.write("arts/m-1/MLmodel", "flavors: {}\n");
    let from = |asset: &str, run: &[&str]| {
        register(&context, &[&["--asset-path", asset][..], run].concat())
    };
    from("outputs/model.pkl", &["--run-id", "aaa"]).is(str![[r#"
id          m:1
file        model.pkl (7 B)
created     [NOW]
experiment  iris
run         aaa

"#]]);
    from("ridge", &["--run-id", "aaa", "--query", "[entry, files[].path]"]).is(str![[r#"
[
  "ridge",
  [
    "ridge",
    "ridge/MLmodel"
  ]
]

"#]]);
    // The newest run.
    from("outputs/model.pkl", &["--experiment-name", "iris"]).is(str![[r#"
--- stderr
error: the artifacts of run bbb are at s3://bucket/bbb, which mlpack does not read
hint: download them with `mlflow artifacts download --run-id bbb --artifact-path PATH`, and register them with `-p`
--- exit code 1

"#]]);
    from("none", &["--run-id", "aaa"]).is(str![[r#"
--- stderr
error: run `aaa` has no artifact `none` in mlflow.db; it has outputs, ridge
--- exit code 1

"#]]);
    from("none", &["--run-id", "aaa", "--tracking-uri", "sqlite:///other.db"]).is(str![[r#"
--- stderr
error: cannot read the runs in sqlite:///other.db: there is no file [TEMP]/work/other.db
hint: name one with `--tracking-uri` or MLFLOW_TRACKING_URI: the URL of a server, a `sqlite:///` database or an `mlruns` folder
--- exit code 1

"#]]);
    context.write("text.db", "no database, only a text that is long enough to be one\n".repeat(40));
    from("none", &["--run-id", "aaa", "--tracking-uri", "sqlite:///text.db"]).is(str![[r#"
--- stderr
error: cannot read the runs in sqlite:///text.db: file is not a database
hint: name one with `--tracking-uri` or MLFLOW_TRACKING_URI: the URL of a server, a `sqlite:///` database or an `mlruns` folder
--- exit code 1

"#]]);
    let mut writer = context.program("python3", &["database.py", "lock"]);
    let mut writer = writer.stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(writer.stdout.take().unwrap()).read_line(&mut line).unwrap();
    from("ridge", &["--run-id", "aaa"]).is(str![[r#"
--- stderr
error: the runs in mlflow.db are locked by a program that writes to them
hint: run the command again when nothing writes to it
--- exit code 1

"#]]);
    writer.kill().unwrap();
    writer.wait().unwrap();
    assert_eq!(context.mlpack(&["model", "list", "--query", "length(@)"]).ok(), "2");
}

#[test]
fn a_tracking_server_that_is_not_there_changes_nothing() {
    let mut context = context();
    context.set("MLFLOW_TRACKING_URI", "http://127.0.0.1:1");
    register(&context, &["--asset-path", "m", "--run-id", "aaa"]).is(str![[r#"
--- stderr
error: cannot download http://127.0.0.1:1/api/2.0/mlflow/runs/get: Connection refused
hint: run the command again; nothing was registered
--- exit code 1

"#]]);
    context.set("MLFLOW_TRACKING_URI", "databricks");
    register(&context, &["--asset-path", "m", "--run-id", "aaa"]).is(str![[r#"
--- stderr
error: cannot read the runs in databricks: there is no file [TEMP]/work/databricks
hint: name one with `--tracking-uri` or MLFLOW_TRACKING_URI: the URL of a server, a `sqlite:///` database or an `mlruns` folder
--- exit code 1

"#]]);
    assert!(!context.path(".mlpack").exists());
}
