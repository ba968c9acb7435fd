//! What runs the entry script: the builtin server, or Azure's inference server behind the front door.

use snapbox::str;

use super::lock::{lock, versions};
use crate::kit::{TestContext, base};
use crate::need;

/// The entry point and the packages of the image in `oci:out`, and the files below `/opt/mlpack` of its server layer.
fn contents(context: &TestContext) -> String {
    let shown = context.mlpack(&["inspect", "oci:out", "--format", "json"]).json();
    let texts = |name: &str| {
        let values = shown[name].as_array().unwrap().iter();
        values.map(|value| value.as_str().unwrap().to_owned()).collect::<Vec<_>>().join(" ")
    };
    let packages = shown["packages"].as_array().unwrap().iter();
    let names = packages.map(|package| package["name"].as_str().unwrap()).collect::<Vec<_>>();
    let layer = shown["layers"].as_array().unwrap().iter();
    let server = layer.clone().position(|layer| layer["role"] == "server").unwrap() + 1;
    let files = context.mlpack(&["inspect", "oci:out", "--files", &server.to_string()]);
    let files = files.ok().lines().filter_map(|line| line.rsplit_once(" /opt/mlpack/"));
    let files = files.map(|(_, path)| path.to_owned()).collect::<Vec<_>>().join("\n");
    format!(
        "server {}\nentrypoint {}\npackages {}\n{files}\n",
        shown["server"].as_str().unwrap(),
        texts("entrypoint"),
        names.join(" "),
    )
}

#[test]
fn the_builtin_server_adds_no_package() {
    let context = need!(TestContext::offline());
    let mut args = context.project(&base("debian12-py311"));
    args.extend(["--output", "oci:out"].map(str::to_owned));
    context.mlpack(&args).ok();
    context.normalized(&contents(&context)).is(str![[r#"
server builtin
entrypoint /opt/mlpack/bin/mlpack-serve serve -- /opt/mlpack/env/bin/python /opt/mlpack/worker
packages core
bin
bin/mlpack-serve
worker
worker/__main__.py
worker/_mlpack_worker
worker/_mlpack_worker/__init__.py

"#]]);
}

#[test]
fn python_3_5_is_served_without_packages() {
    let context = need!(TestContext::offline());
    let mut args = context.project(&base("ubuntu16-py35"));
    args.iter_mut().filter(|arg| *arg == "current").for_each(|arg| *arg = "azureml-2019".into());
    args.extend(["--output", "oci:out"].map(str::to_owned));
    context.mlpack(&args).ok();
    context.normalized(&contents(&context)).is(str![[r#"
server builtin
entrypoint /opt/mlpack/bin/mlpack-serve serve -- /opt/mlpack/env/bin/python /opt/mlpack/worker
packages core
bin
bin/mlpack-serve
worker
worker/__main__.py
worker/_mlpack_worker
worker/_mlpack_worker/__init__.py

"#]]);
}

#[test]
fn azures_server_is_added_and_started_behind_the_front_door() {
    let context = need!(TestContext::offline());
    let mut args = context.project(&base("debian12-py311"));
    args.extend(["--server", "azmlinfsrv", "--output", "oci:out"].map(str::to_owned));
    context.mlpack(&args).ok();
    context.normalized(&contents(&context)).is(str![[r#"
server azmlinfsrv
entrypoint /opt/mlpack/bin/mlpack-serve proxy --to 127.0.0.1:31311 -- /opt/mlpack/env/bin/python /opt/mlpack/launch.py
packages azureml-inference-server-http core
bin
bin/mlpack-serve
launch.py
worker
worker/__main__.py
worker/_mlpack_worker
worker/_mlpack_worker/__init__.py

"#]]);
}

#[test]
fn a_lock_is_for_one_server() {
    let context = need!(TestContext::offline());
    let project = context.project(&base("debian12-py311"));
    context.mlpack(&lock(&project, &[])).ok();
    assert_eq!(versions(&context), ["core 1.0"]);
    context.mlpack(&lock(&project, &["--check", "--server", "azmlinfsrv"])).is(str![[r#"
--- stderr
error: mlpack.lock is out of date: the server is azmlinfsrv, was builtin
hint: run `mlpack lock` with the same arguments to update it
--- exit code 3

"#]]);
    context.mlpack(&lock(&project, &["--server", "azmlinfsrv"])).is(str![[r#"
mlpack.lock written: 2 packages
CHANGE   NAME                           KIND  BEFORE   AFTER
changed  server                         -     builtin  azureml-inference-server-http 1.4.0
added    azureml-inference-server-http  pip   -        1.4.0

"#]]);
    context.mlpack(&lock(&project, &["--check", "--server", "azmlinfsrv"])).ok();
    // Lock files had Azure's server before there was a choice.
    let text = std::fs::read_to_string(context.path("mlpack.lock")).unwrap();
    context.write("mlpack.lock", text.replace("server = \"azmlinfsrv\"\n", ""));
    context.mlpack(&lock(&project, &["--check", "--server", "azmlinfsrv"])).ok();
    context.mlpack(&lock(&project, &["--check"])).is(str![[r#"
--- stderr
error: mlpack.lock is out of date: the server is builtin, was azmlinfsrv
hint: run `mlpack lock` with the same arguments to update it
--- exit code 3

"#]]);
}

#[test]
fn an_unknown_server_is_refused_with_its_place() {
    let context = TestContext::bare();
    let args = context.project("unused");
    context.write(
        "inferenceconfig.json",
        "{\"entryScript\": \"score.py\", \"runtime\": \"python\",\n \"server\": \"gunicorn\"}",
    );
    context.mlpack(&[&args[..], &["--dry-run".to_owned()]].concat()).is(str![[r#"
--- stderr
error: [TEMP]/work/inferenceconfig.json:2:2: `server` must be `builtin` or `azmlinfsrv`, found `gunicorn`
--- exit code 1

"#]]);
}

#[test]
fn an_architecture_without_a_front_door_is_refused() {
    let mut context = need!(TestContext::offline());
    let base = base("debian12-py311");
    context.write("door/worker/_mlpack_worker/__init__.py", "");
    context.write("door/mlpack-serve-arm64", "binary");
    context.set("MLPACK_FRONT_DOOR", "door");
    let mut args = context.project(&base);
    args.extend(["--output", "oci:out"].map(str::to_owned));
    context.mlpack(&args).is(str![[r#"
--- stderr
error: the base image is for amd64; this build of mlpack has a front door for arm64
hint: build mlpack where the target's C compiler and Rust standard library are installed, or set MLPACK_FRONT_DOOR to a folder with `mlpack-serve-ARCHITECTURE` and `worker/`
--- exit code 1

"#]]);
    context.set("MLPACK_FRONT_DOOR", "absent");
    context.mlpack(&args).is(str![[r#"
--- stderr
error: cannot read [TEMP]/work/absent/worker: No such file or directory (os error 2)
--- exit code 1

"#]]);
}
