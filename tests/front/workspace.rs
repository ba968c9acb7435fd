//! Which workspace is used, and models that are in use.

use std::fs;

use snapbox::str;

use crate::kit::{base, files, is_root};
use crate::models::{context, package};

#[test]
fn a_file_of_azure_ml_names_the_workspace() {
    let context = context();
    context.write("m.pkl", "weights");
    context.write("project/.azureml/config.json", r#"{"Scope": "/subscriptions/1"}"#);
    let in_project = |line: &str| {
        let program = env!("CARGO_BIN_EXE_mlpack");
        let script = format!("cd project && '{program}' --quiet {line}");
        context.answer(context.program("sh", &["-c", &script]), "")
    };
    in_project("workspace set-default --workspace ../shared -w my-ws -g my-rg").is(str![[r#"
wrote .azureml/config.json

"#]]);
    assert_eq!(
        fs::read_to_string(context.path("project/.azureml/config.json")).unwrap(),
        r#"{
  "Scope": "/subscriptions/1",
  "workspace_name": "my-ws",
  "resource_group": "my-rg",
  "mlpack_workspace": "../shared"
}
"#
    );
    in_project("model register -n m -p ../m.pkl -t model.json --query id").ok();
    assert!(context.path("shared/workspace.json").is_file());
    in_project("workspace show -o json").is(str![[r#"
{
  "workspace": "../shared",
  "info": {
    "workspaceName": "my-ws",
    "resourceGroupName": "my-rg"
  },
  "models": 1,
  "bytes": 162
}

"#]]);
    context.mlpack(&["model", "list", "--path", "project", "--query", "[].id"]).is(str![[r#"
[
  "m:1"
]

"#]]);
    context.mlpack(&["model", "list"]).is(str![[r#"
--- stderr
error: cannot find a workspace
hint: run `mlpack workspace create`, or name one with `--workspace DIR` or `--workspace REGISTRY/PREFIX`
--- exit code 2

"#]]);
    context.write("other.json", r#"{"modelId": "m:1", "workspaceName": "their-ws"}"#);
    let built = package(&context, &["-f", "other.json", "--path", "project"], "oci:out");
    built.is(str![[r#"
--- stderr
error: the model is in workspace `their-ws`, not in `my-ws`
hint: name its workspace with `--workspace`
--- exit code 2

"#]]);
    context.write("project/.azureml/config.json", "[]");
    in_project("workspace set-default --workspace x").is(str![[r#"
--- stderr
error: [TEMP]/work/project/.azureml/config.json is not a JSON object
hint: correct or delete it
--- exit code 2

"#]]);
    context.mlpack(&["workspace", "set-default"]).is(str![[r#"
--- stderr
error: the following required arguments were not provided:
  --workspace <PLACE>

Usage: mlpack workspace set-default [OPTIONS]

For more information, try '--help'.
--- exit code 2

"#]]);
}

#[test]
fn an_older_file_names_the_workspace_on_azure() {
    let context = context();
    context.write("m.pkl", "weights");
    // What a model of transformers has is not a workspace.
    context.write("config.json", r#"{"architectures": ["Bert"]}"#);
    context.write(
        "aml_config/config.json",
        r#"{"subscription_id": "1", "resource_group": "my-rg", "workspace_name": "my-ws"}"#,
    );
    context.mlpack(&["model", "register", "-n", "m", "-p", "m.pkl", "-t", "model.json"]).ok();
    assert_eq!(
        fs::read_to_string(context.path("model.json")).unwrap(),
        r#"{
  "modelId": "m:1",
  "workspaceName": "my-ws",
  "resourceGroupName": "my-rg"
}
"#
    );
}

#[test]
fn a_model_that_an_image_has_is_not_deleted() {
    let context = context();
    context.write("m.pkl", "weights");
    context.write("score.py", "def init():\n    pass\n\n\ndef run(data):\n    return data\n");
    for name in ["used", "free"] {
        context.mlpack(&["model", "register", "-n", name, "-p", "m.pkl"]).ok();
    }
    let base = base("debian12-py311");
    let args = ["model", "package", "-m", "used:1", "--es", "score.py", "--bi", &base];
    context.mlpack(&[&args[..], &["--policy", "current"]].concat()).ok();
    context.mlpack(&["model", "list", "--query", "[].id"]).ok();
    context.mlpack(&["model", "delete", "-i", "used:1"]).is(str![[r#"
--- stderr
error: model `used:1` is used by image oci:.mlpack:package-used-1
hint: delete what uses it first (`mlpack service delete -n NAME`), or add `--force`
--- exit code 2

"#]]);
    context.mlpack(&["model", "delete", "-i", "free:1"]).ok();
    context.mlpack(&["workspace", "gc"]).ok();
    context.mlpack(&["model", "delete", "-i", "used:1", "--force"]).is(str![[r#"
used:1 deleted

"#]]);
    context.mlpack(&["workspace", "gc"]).ok();
    // The image has kept its layer.
    context.mlpack(&["inspect", "oci:.mlpack:package-used-1"]).ok();
}

/// Root may write everywhere, so root runs the command as another user.
#[test]
fn a_workspace_that_cannot_be_written_is_not_changed() {
    let mut context = context();
    context.write("m.pkl", "weights");
    context.mlpack(&["model", "register", "-n", "m", "-p", "m.pkl"]).ok();
    let context = {
        let cache = context.root().join("cache");
        context.set("MLPACK_CACHE_DIR", cache);
        context.name_pattern(r"mlpack-pending-\w+", "mlpack-pending-[NAME]");
        context
    };
    let before = files(&context.path(".mlpack"));
    let chmod = |mode: &str, path: &std::path::Path| {
        let path = path.display().to_string();
        context.answer(context.program("chmod", &["-R", mode, &path]), "").ok();
    };
    chmod("a-w,a+rX", &context.path(".mlpack"));
    let program = context.root().join("mlpack");
    fs::copy(env!("CARGO_BIN_EXE_mlpack"), &program).unwrap();
    chmod("a+rX", context.root());
    let program = program.display().to_string();
    let run = |args: &[&str]| {
        let as_other = ["--reuid=65534", "--clear-groups", &program, "--quiet"];
        match is_root() {
            true => context.answer(context.program("setpriv", &[&as_other[..], args].concat()), ""),
            false => context.mlpack(args),
        }
    };
    run(&["model", "list", "--query", "[].id", "-o", "tsv"]).is(str![[r#"
m:1

"#]]);
    let register = ["model", "register", "-n", "m", "-p", "m.pkl"];
    let update = ["model", "update", "-i", "m:1", "--add-tag", "a=b"];
    for args in [&register[..], &update, &["model", "delete", "-i", "m:1"]] {
        let refused = run(args);
        assert_eq!(refused.code, 1, "{}", refused.stderr);
        assert!(refused.stderr.contains("Permission denied"), "{}", refused.stderr);
    }
    assert_eq!(files(&context.path(".mlpack")), before);
    chmod("u+w", &context.path(".mlpack"));
}
