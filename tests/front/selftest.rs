//! `mlpack package --selftest`: the files of an image run on this machine before the image is written.

use std::fs;
use std::process::Command;

use snapbox::str;

use crate::kit::{Answer, TestContext, is_required, runnable_base};

const SCRIPT: &str = "\
import os

def init():
    global model
    model = open(os.path.join(os.environ['AZUREML_MODEL_DIR'], 'w')).read()

def run(data):
    return [model, data]
";

/// A project on a base that runs, and the arguments that package and test it. None if this machine cannot run the files of
/// an image; then the refusal has been tested.
fn context() -> Option<(TestContext, Vec<String>)> {
    let base = runnable_base("debian12-py311")?;
    let context = TestContext::bare().running().own_cache().inheriting(&["PATH"]);
    context.write("score.py", SCRIPT);
    context.write("w", "weights");
    context.write("input.json", "\"asked\"");
    let args = ["package", "--es", "score.py", "-m", "m=w", "--policy", "current", "--selftest"];
    let mut args: Vec<String> = args.map(str::to_owned).to_vec();
    args.extend(["--base-image".to_owned(), base, "--output".to_owned(), "oci:out".to_owned()]);
    let probe = ["--user", "--map-root-user", "--mount", "--pid", "--fork", "true"];
    if Command::new("unshare").args(probe).output().is_ok_and(|out| out.status.success()) {
        return Some((context, args));
    }
    assert!(!is_required(), "this test needs user namespaces");
    let answer = package(&context, &args, &[]);
    let refusal = "error: cannot run the self-test of the image on this machine: ";
    assert!(answer.stderr.starts_with(refusal), "{}", answer.stderr);
    assert_eq!(answer.code, 3);
    assert!(!context.root().join("work/out").exists());
    None
}

fn package(context: &TestContext, args: &[String], more: &[&str]) -> Answer {
    let mut args = args.to_vec();
    args.extend(more.iter().map(|&arg| arg.to_owned()));
    context.mlpack(&args)
}

/// What stays of the unpacked files.
fn leftovers(context: &TestContext) -> usize {
    fs::read_dir(context.root().join("cache/stage")).map_or(0, Iterator::count)
}

#[test]
fn an_image_that_passes_is_written() {
    let Some((context, args)) = context() else { return };
    // Fails unless the whole call works: the model, the working directory, /proc and the body.
    context.write("score.py", SCRIPT.replace("    return [", "    assert CHECKED\n    return [").replace(
        "CHECKED",
        "model == 'weights' and data == '\"asked\"' and os.getcwd() == '/var/azureml-app' and os.listdir('/proc/1/task')",
    ));
    package(&context, &args, &["--selftest-input", "input.json"]).ok();
    assert!(context.root().join("work/out/index.json").is_file());
    assert_eq!(leftovers(&context), 0);
}

#[test]
fn an_image_that_fails_is_not_written() {
    let Some((context, args)) = context() else { return };
    context.write("score.py", SCRIPT.replace("global model", "raise OSError('no model')"));
    let answer = package(&context, &args, &[]);
    context.normalized(answer.stderr.split_once("error:").unwrap().1).is(str![[r#"
 the self-test of the image failed: init() raised `OSError: no model` (score.py:4)
end of its log:
  | files in AZUREML_MODEL_DIR (/var/azureml-app/azureml-models/m/0):
  |   w
  | mlpack-serve: Traceback (most recent call last):
  |   File "/var/azureml-app/score.py", line 4, in init
  |     raise OSError('no model')
  | OSError: no model
hint: the log shows the line; run the same code locally with the same packages to reproduce it

"#]]);
    assert_eq!(answer.code, 3);
    assert!(!context.root().join("work/out").exists());
    context.write("score.py", SCRIPT.replace("model, data", "data.no_such"));
    let answer = package(&context, &args, &["--selftest-input", "input.json"]);
    context.normalized(answer.stderr.split_once("error:").unwrap().1).is(str![[r#"
 the self-test of the image failed: run() answered with status 500: {"message": "run() raised AttributeError; the log has the traceback"}
end of its log:
  | Traceback (most recent call last):
  |   File "/var/azureml-app/score.py", line 8, in run
  |     return [data.no_such]
  |             ^^^^^^^^^^^^
  | AttributeError: 'str' object has no attribute 'no_such'
  | mlpack-serve: run() answered with status 500: {"message": "run() raised AttributeError; the log has the traceback"}
hint: fix the script or its sample, or give another body with `--selftest-input`

"#]]);
    assert!(!context.root().join("work/out").exists());
    assert_eq!(leftovers(&context), 0);
}

#[test]
fn without_a_sample_only_init_is_tested() {
    let Some((context, args)) = context() else { return };
    let answer = package(&context, &args, &[]);
    answer.ok();
    let warning = answer.stderr.lines().find(|line| line.starts_with("warning:")).unwrap();
    context.normalized(warning).is(str!["warning: the self-test called init() only: the script has no schema with a sample; give the body of a request with `--selftest-input`"]);
}

#[test]
fn what_cannot_be_tested_is_reported_before_anything_else() {
    let Some((context, args)) = context() else { return };
    package(&context, &args, &["--selftest-input", "not-there.json"]).is(str![[r#"
--- stderr
error: cannot read not-there.json: No such file or directory (os error 2)
--- exit code 1

"#]]);
    package(&context, &args, &["--platform", "linux/arm64"]).is(str![[r#"
--- stderr
error: cannot run the self-test of the image on this machine: the image is for linux/arm64, this machine runs linux/amd64
hint: allow user namespaces or run as root, on a machine of the image's architecture; or omit `--selftest` and test the image with `mlpack deploy`
--- exit code 3

"#]]);
}
