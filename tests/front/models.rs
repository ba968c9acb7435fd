//! Registered models: a workspace on disk and in a registry, and images that use it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::thread;

use serde_json::json;
use snapbox::str;

use crate::kit::{TestContext, add_layer, base, copy_base, files, image, noise, sha256};

const SCRIPT: &str = "def init():\n    pass\n\n\ndef run(data):\n    return data\n";

/// The moment of registration differs from run to run.
pub(crate) fn context() -> TestContext {
    let mut context = TestContext::bare();
    // A second and seconds are not equally wide, and neither is the column.
    context.name_pattern(r"\d+ seconds? ago *", "[AGE]  ");
    context.name_pattern("CREATED +", "CREATED  ");
    context.name_pattern(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", "[NOW]");
    context
}

#[test]
fn register_show_update_and_list() {
    let context = context();
    context.write("m.pkl", "weights");
    let args = [
        "model",
        "register",
        "-n",
        "digits",
        "-p",
        "m.pkl",
        "--tag",
        "stage=test",
        "--property",
        "made=here",
    ];
    context.mlpack(&args).is(str![[r#"
id          digits:1
file        m.pkl (7 B)
created     [NOW]
tags        stage=test
properties  made=here

"#]]);
    context
        .mlpack(&[&args[..], &["-g", "my-rg", "-w", "my-ws", "--model-framework", "Onnx"]].concat())
        .ok();
    context.mlpack(&["model", "list"]).is(str![[r#"
NAME    VERSION  SIZE  CREATED  FRAMEWORK
digits  1        7 B   [AGE]  -
digits  2        7 B   [AGE]  Onnx

"#]]);
    let args =
        ["model", "update", "-i", "digits:1", "--add-tag", "stage=prod", "--alias", "champion"];
    context.mlpack(&args).is(str![[r#"
id          digits:1
file        m.pkl (7 B)
created     [NOW]
tags        stage=prod
properties  made=here

"#]]);
    context
        .mlpack(&["model", "show", "-i", "digits@champion", "--query", "tags.stage", "-o", "tsv"])
        .is("prod\n");
    context
        .mlpack(&["model", "list", "--latest", "--query", "[].id", "-o", "tsv"])
        .is("digits:2\n");
    context.mlpack(&["model", "delete", "-i", "digits:2"]).ok();
    context.write("m.pkl", "other");
    let args = [
        "model",
        "register",
        "-n",
        "digits",
        "--asset-path",
        "m.pkl",
        "--query",
        "id",
        "-o",
        "tsv",
    ];
    // A deleted number is not used again.
    context.mlpack(&args).is("digits:3\n");
}

#[test]
fn a_download_is_what_was_registered() {
    let context = context();
    context.write("out/model/weights.bin", noise(3 << 20));
    context.write("out/model/run.sh", "#!/bin/sh\n");
    fs::set_permissions(context.path("out/model/run.sh"), fs::Permissions::from_mode(0o755))
        .unwrap();
    context.mlpack(&["model", "register", "-n", "net", "-p", "out/model"]).ok();
    let args = ["model", "download", "-i", "net:1", "-t", "got"];
    assert_eq!(context.mlpack(&args).ok(), "got/model");
    let files = |name: &str| {
        ["weights.bin", "run.sh"].map(|file| {
            let path = context.path(format!("{name}/{file}"));
            (fs::read(&path).unwrap(), path.metadata().unwrap().permissions().mode() & 0o777)
        })
    };
    assert!(files("out/model") == files("got/model"));
    context.mlpack(&args).is(str![[r#"
--- stderr
error: got/model exists
hint: pass `--overwrite` to replace it
--- exit code 2

"#]]);
    fs::write(context.path("got/model/run.sh"), "changed").unwrap();
    context.mlpack(&[&args[..], &["--overwrite"]].concat()).ok();
    assert!(files("out/model") == files("got/model"));
    let names: Vec<_> = fs::read_dir(context.path("got"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, ["model"]);
}

/// A project on a base, packaged with a model; returns the layout's folder.
pub(crate) fn package(context: &TestContext, model: &[&str], output: &str) -> crate::kit::Answer {
    context.write("score.py", SCRIPT);
    let base = base("debian12-py311");
    let args = [
        "package",
        "--es",
        "score.py",
        "--rt",
        "python",
        "--policy",
        "current",
        "--base-image",
        &base,
    ];
    context.mlpack(&[&args[..], model, &["--output", output]].concat())
}

#[test]
fn the_registered_blob_is_the_layer_of_the_image() {
    let context = context();
    context.write("m.bin", noise(3 << 20));
    context.mlpack(&["model", "register", "-n", "net", "-p", "m.bin", "-t", "model.json"]).ok();
    let by_name = package(&context, &["-m", "net"], "oci:a").digest();
    assert_eq!(package(&context, &["-m", "net:1"], "oci:b").digest(), by_name);
    assert_eq!(package(&context, &["-f", "model.json"], "oci:c").digest(), by_name);
    // The same file with the same name and version is the same layer.
    assert_eq!(package(&context, &["-m", "net:1=m.bin"], "oci:d").digest(), by_name);
    let blobs = |folder: &str| {
        let dir = fs::read_dir(context.path(format!("{folder}/blobs/sha256"))).unwrap();
        dir.map(|entry| entry.unwrap())
            .filter(|entry| entry.metadata().unwrap().len() > 3 << 20)
            .map(|entry| {
                (entry.file_name(), std::os::unix::fs::MetadataExt::ino(&entry.metadata().unwrap()))
            })
            .collect::<Vec<_>>()
    };
    assert!(blobs("a").contains(&blobs(".mlpack")[0]), "the blob is linked");
    package(&context, &["-m", "net:7"], "oci:e").is(str![[r#"
--- stderr
error: model `net` has no version 7; it has 1
hint: run `mlpack model list -n net` to see its versions
--- exit code 1

"#]]);
    package(&context, &["-m", "net@gone"], "oci:e").is(str![[r#"
--- stderr
error: model `net` has no alias `gone`
hint: run `mlpack model list -n net` to see its versions
--- exit code 1

"#]]);
    package(&context, &["-m", "other:1"], "oci:e").is(str![[r#"
--- stderr
error: workspace .mlpack has no model `other`; it has net
hint: run `mlpack model list` to see the models, or pass a file: `-m NAME=PATH`
--- exit code 1

"#]]);
}

#[test]
fn a_base_with_models_keeps_them() {
    let context = context();
    context.write("m.bin", "weights");
    context.mlpack(&["model", "register", "-n", "net", "-p", "m.bin"]).ok();
    copy_base("debian12-py311", &context.path("first"));
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_mode(0o644);
    header.set_size(7);
    tar.append_data(&mut header, "models/old/0/m.bin", &b"weights"[..]).unwrap();
    let tar = tar.into_inner().unwrap();
    add_layer(&context.path("first"), &tar);
    context.write("score.py", SCRIPT);
    let args = ["package", "--es", "score.py", "--rt", "python", "--policy", "current"];
    let more = ["--base-image", "oci:first", "-m", "net:1", "--output", "oci:second"];
    context.mlpack(&[&args[..], &more].concat()).ok();
    assert!(image(&context.path("second")).layers().contains(&sha256(&tar)));
    context.unpack("second", "models/net/1/m.bin", "new");
    assert_eq!(fs::read(context.path("new/models/net/1/m.bin")).unwrap(), b"weights");
    // Nothing above the old model's layer hides it.
    context.unpack("second", "models", "all");
    assert!(files(&context.path("all")).iter().all(|path| !path.contains(".wh.")));
}

#[test]
fn what_a_killed_registration_leaves_is_removed() {
    let context = context();
    context.write("m.bin", noise(8 << 20));
    context.mlpack(&["model", "register", "-n", "m", "-p", "m.bin"]).ok();
    for delay in 0..20 {
        let mut child = context
            .command(&["model", "register", "-n", "m", "-p", "m.bin", "-q"])
            .spawn()
            .unwrap();
        thread::sleep(std::time::Duration::from_millis(delay * 4));
        let _ = child.kill();
        child.wait().unwrap();
    }
    let list = context.mlpack(&["model", "list", "--format", "json"]).json();
    context.mlpack(&["workspace", "gc"]).ok();
    assert_eq!(context.mlpack(&["model", "list", "--format", "json"]).json(), list);
    let answer = context.mlpack(&["workspace", "gc", "--format", "json"]).json();
    assert_eq!(answer, json!({ "claims": 0, "blobs": 0, "bytes": 0 }));
    context.mlpack(&["model", "register", "-n", "m", "-p", "m.bin"]).ok();
    context.mlpack(&["model", "download", "-i", "m", "-t", "got"]).ok();
    assert!(fs::read(context.path("got/m.bin")).unwrap() == noise(8 << 20));
}

#[test]
fn mistakes_change_nothing() {
    let context = context();
    context.write("m.pkl", "weights");
    context.write("f/x", "x");
    std::os::unix::fs::symlink("../m.pkl", context.path("f/link")).unwrap();
    context.mlpack(&["model", "register", "-n", "m", "-p", "m.pkl", "--property", "a=1"]).ok();
    let index = fs::read(context.path(".mlpack/index.json")).unwrap();
    let register = |more: &[&str]| context.mlpack(&[&["model", "register"][..], more].concat());
    register(&["-n", "a/b", "-p", "m.pkl"]).is(str![[r#"
--- stderr
error: invalid model name `a/b`
hint: use at most 255 letters, digits, `-`, `.` and `_`, beginning with a letter or digit
--- exit code 2

"#]]);
    register(&["-n", "m", "-p", "m.pkl", "--tag", "stage"]).is(str![[r#"
--- stderr
error: --tag stage: expected KEY=VALUE
hint: write `--tag KEY=VALUE`
--- exit code 2

"#]]);
    register(&["-n", "m", "-p", "gone.pkl"]).is(str![[r#"
--- stderr
error: model `m`: [TEMP]/work/gone.pkl does not exist
hint: check the path; it is relative to the working directory
--- exit code 1

"#]]);
    register(&["-n", "m", "-p", "f"]).is(str![[r#"
--- stderr
error: [TEMP]/work/f/link is a link to ../m.pkl, which is outside [TEMP]/work/f
hint: copy what the link leads to into the folder, or remove the link
--- exit code 1

"#]]);
    let update = |more: &[&str]| context.mlpack(&[&["model", "update", "-i"][..], more].concat());
    update(&["m:1", "--add-property", "a=2"]).is(str![[r#"
--- stderr
error: property `a` of model `m:1` is `1` and cannot become `2`
hint: properties never change; register a new version, or use a tag instead
--- exit code 1

"#]]);
    update(&["m:9", "--add-tag", "a=2"]).is(str![[r#"
--- stderr
error: model `m` has no version 9; it has 1
hint: run `mlpack model list -n m` to see its versions
--- exit code 1

"#]]);
    update(&["n:1", "--add-tag", "a=2"]).is(str![[r#"
--- stderr
error: workspace .mlpack has no model `n`; it has m
hint: run `mlpack model list` to see the models, or pass a file: `-m NAME=PATH`
--- exit code 1

"#]]);
    update(&["m@best", "--add-tag", "a=2"]).is(str![[r#"
--- stderr
error: model `m` has no alias `best`
hint: run `mlpack model list -n m` to see its versions
--- exit code 1

"#]]);
    update(&["m:1", "--alias", "7"]).is(str![[r#"
--- stderr
error: invalid alias `7`
hint: begin with a letter, then letters, digits, `-`, `.` and `_`; `latest` is built in
--- exit code 2

"#]]);
    assert_eq!(fs::read(context.path(".mlpack/index.json")).unwrap(), index);
    context.mlpack(&["model", "list", "--workspace", "elsewhere"]).is(str![[r#"
--- stderr
error: cannot find a workspace
hint: run `mlpack workspace create`, or name one with `--workspace DIR` or `--workspace REGISTRY/PREFIX`
--- exit code 2

"#]]);
    let marker = context.path(".mlpack/workspace.json");
    fs::set_permissions(&marker, fs::Permissions::from_mode(0o644)).unwrap();
    fs::write(&marker, r#"{"format": 2}"#).unwrap();
    context.mlpack(&["model", "list"]).is(str![[r#"
--- stderr
error: .mlpack has format 2; this release of mlpack reads format 1
hint: use the newest release of mlpack
--- exit code 1

"#]]);
}
