//! `mlpack deploy` and `mlpack service`, with a server that starts in a moment.

use std::net::TcpListener;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use snapbox::str;

use crate::kit::{Docker, TestContext, docker, get, runnable_base};
use crate::need;

pub(super) struct Deployment {
    pub(super) context: TestContext,
    pub(super) docker: Docker,
    pub(super) base: String,
}

pub(super) fn context_and_project(test: &str) -> Option<Deployment> {
    let docker = docker(test)?;
    let base = runnable_base("debian12-py311")?;
    let mut context = TestContext::offline()?.running().inheriting(&["DOCKER_HOST"]);
    context.name(&docker.name, "[SERVICE]");
    context.name_pattern(r"127\.0\.0\.1:\d{4,5}", "127.0.0.1:[PORT]");
    context.name_pattern(r#""createdTime": "[^"]*""#, r#""createdTime": "[TIME]""#);
    // The image's Python is the machine's.
    context.name_pattern(r"sha256:[0-9a-f]{64}", "[DIGEST]");
    // What the front door logs has times.
    context.name_pattern(r#"(?m)^  \| \{"time".*\n"#, "");
    let mut args = context.project(&base);
    args.extend(["--output".to_owned(), "oci:out".to_owned()]);
    context.mlpack(&args).ok();
    Some(Deployment { context, docker, base })
}

#[test]
fn deploy_list_invoke_logs_delete() {
    let Deployment { context, docker, .. } = need!(context_and_project("life"));
    let name = docker.name.as_str();
    context.mlpack(&["deploy", "oci:out", "-n", name]).is(str![[r#"
name         [SERVICE]
state        running
image        docker:[SERVICE]@[DIGEST]
scoring URI  http://127.0.0.1:[PORT]/score
swagger URI  http://127.0.0.1:[PORT]/swagger.json

"#]]);
    // A label alone, which anyone can set, makes no service of another container.
    let other = format!("{name}-other");
    let label = format!("label=org.mlpack.service={name}");
    let image = docker.run(&["inspect", "-f", "{{.Image}}", name]);
    docker.run(&["create", "--name", &other, "--label", &label["label=".len()..], image.trim()]);
    context.mlpack(&["deploy", "oci:out", "-n", name, "--dry-run"]).is("no changes\n");
    context.mlpack(&["deploy", "oci:out", "-n", name, "--cpu-cores", "1", "--dry-run"]).is(str![[
        r#"
~ service/[SERVICE] .configuration.containerResourceRequirements: (none) -> {"cpu":1.0}

"#
    ]]);
    docker.run(&["rm", &other]);
    let show = context.mlpack(&["service", "show", "-n", name, "--format", "json"]);
    show.is(str![[r#"
{
  "name": "[SERVICE]",
  "description": null,
  "tags": {},
  "properties": {},
  "state": "running",
  "computeType": "local",
  "scoringUri": "http://127.0.0.1:[PORT]/score",
  "swaggerUri": "http://127.0.0.1:[PORT]/swagger.json",
  "models": [
    {
      "name": "model",
      "version": 0,
      "digest": "[DIGEST]"
    }
  ],
  "authEnabled": false,
  "imageId": "docker:[SERVICE]@[DIGEST]",
  "imageDigest": "[DIGEST]",
  "createdTime": "[TIME]",
  "error": null
}

"#]]);
    let list = context.mlpack(&["service", "list"]);
    assert!(
        list.ok().lines().any(|line| line.contains(name) && line.contains("running")),
        "{}",
        list.stdout
    );
    let run = |data: &str| context.mlpack(&["service", "run", "-n", name, "-d", data]);
    run(r#"{"data": [1, 2, 3]}"#).is(str![[r#"
{"sum": 6}

"#]]);
    context.write("data.json", r#"{"data": [4, 5]}"#);
    assert_eq!(run("@data.json").ok(), r#"{"sum": 9}"#);
    let args = ["service", "run", "-n", name, "-d", "-"];
    assert_eq!(context.mlpack_with(&args, r#"{"data": [7]}"#).ok(), r#"{"sum": 7}"#);
    run("{}").is(str![[r#"
--- stderr
error: service `[SERVICE]` answered 500: run() raised an exception
body: {"message": "run() raised KeyError; the log has the traceback"}
hint: see the traceback in the log: `mlpack service get-logs`
--- exit code 4

"#]]);
    let logs = context.mlpack(&["service", "get-logs", "-n", name]);
    assert!(logs.ok().contains("init was here"), "{}", logs.stdout);
    assert_eq!(
        context.mlpack(&["service", "get-logs", "-n", name, "-l", "1"]).ok().lines().count(),
        1
    );
    context.mlpack(&["deploy", "oci:out", "-n", name]).is(str![[r#"
--- stderr
error: a service named `[SERVICE]` already exists and is running
hint: add `--overwrite` to replace it, or delete it with `mlpack service delete -n [SERVICE]`
--- exit code 1

"#]]);
    context.mlpack(&["deploy", "oci:out", "-n", name, "--overwrite"]).ok();
    context.mlpack(&["service", "delete", "-n", name]).is(str![[r#"
[SERVICE] deleted

"#]]);
    let gone = context.mlpack(&["service", "show", "-n", name]);
    let line = format!("error: there is no service named `{name}`");
    assert_eq!((gone.code, gone.stderr.lines().next()), (1, Some(line.as_str())));
}

#[test]
fn a_port_in_use() {
    let Deployment { context, docker, .. } = need!(context_and_project("port"));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let answer = context.mlpack(&["deploy", "oci:out", "-n", &docker.name, "--port", &port]);
    assert!(answer.text().contains(&port));
    crate::kit::eq(
        &answer.text().replace(&port, "[PORT]"),
        str![[r#"
--- stderr
error: port [PORT] of this machine is in use
hint: `ss -ltnp 'sport = :[PORT]'` shows who listens there; set another `port` in the deployment config, or leave it out to use a free one
--- exit code 1

"#]],
    );
    assert_eq!(
        docker.run(&["ps", "--all", "--quiet", "--filter", &format!("name={}", docker.name)]),
        ""
    );
}

#[test]
fn a_script_that_fails_is_explained_with_its_log() {
    let Deployment { context, docker, base } = need!(context_and_project("fail"));
    let mut args = context.project(&base);
    context.write(
        "score.py",
        "import pandas\n\n\ndef init():\n    pass\n\n\ndef run(data):\n    return data\n",
    );
    args.splice(0..1, ["model", "deploy", "-n", &docker.name].map(str::to_owned));
    args.extend(["--allow", "script.imports"].map(str::to_owned));
    let answer = context.mlpack(&args);
    assert!(answer.stderr.contains("Traceback"), "{}", answer.stderr);
    answer.is(str![[r#"
--- stderr
warning[script.imports]: [TEMP]/work/score.py:1: `import pandas`: no package of the environment has `pandas`
  hint: add pandas to the pip list; if it is there in a way that cannot be seen, --allow script.imports
error: service `[SERVICE]` failed: the Python module `pandas` is not in the image (score.py:1)
end of its log:
  | files in AZUREML_MODEL_DIR (/var/azureml-app/azureml-models/model/0):
  |   model.bin
  | files in AZUREML_MODEL_DIR (/var/azureml-app/azureml-models/model/0):
  |   model.bin
  | files in AZUREML_MODEL_DIR (/var/azureml-app/azureml-models/model/0):
  |   model.bin
  | mlpack-serve: no worker started:
  | Traceback (most recent call last):
  |   File "/var/azureml-app/score.py", line 1, in <module>
  |     import pandas
  | ModuleNotFoundError: No module named 'pandas'
hint: add the package `pandas` to the conda file's pip list; if it is your own file, set sourceDirectory to its folder; the stopped container is kept until the next deployment of this name: `mlpack service get-logs -n [SERVICE]` shows its whole log
--- exit code 4

"#]]);
    assert_eq!(answer.code, 4);

    // What a killed deployment leaves is refused while that goes on, and then replaced.
    let script = |init: &str| {
        let text = format!(
            "import time\n\n\ndef init():\n    {init}\n\n\ndef run(data):\n    return data\n"
        );
        context.write("score.py", text);
    };
    script("time.sleep(600)");
    let quiet = || Stdio::null();
    let mut killed = context.command(&args).stdout(quiet()).stderr(quiet()).spawn().unwrap();
    let name = format!("name=^{}$", docker.name);
    let begun = Instant::now();
    while docker.run(&["ps", "--quiet", "--filter", &name, "--filter", "status=running"]).is_empty()
    {
        assert!(begun.elapsed() < Duration::from_secs(120), "no container runs");
        thread::sleep(Duration::from_millis(100));
    }
    script("pass");
    context.mlpack(&args).is(str![[r#"
--- stderr
error: a service named `[SERVICE]` already exists and is deploying
hint: add `--overwrite` to replace it, or delete it with `mlpack service delete -n [SERVICE]`
--- exit code 1

"#]]);
    killed.kill().unwrap();
    killed.wait().unwrap();
    context.mlpack(&args).ok();
}

/// A service is found again by the labels of its container: no file of mlpack knows it.
#[test]
fn services_are_found_from_another_context() {
    let Deployment { context, docker, .. } = need!(context_and_project("find"));
    context.mlpack(&["deploy", "oci:out", "-n", &docker.name]).ok();
    let other = TestContext::bare().inheriting(&["DOCKER_HOST"]).own_cache();
    let show = other.mlpack(&["service", "show", "-n", &docker.name, "--format", "json"]).json();
    assert_eq!(get(&show["scoringUri"].as_str().unwrap().replace("/score", "/")).status, 200);
}
