//! Projects that cannot be packaged: each fault is reported, and nothing is written.

use std::fs;

use snapbox::str;

use crate::kit::{Answer, TestContext, base, eq, files, has, is_root, noise};
use crate::need;

/// Runs a command that must fail and leave every file as it was; `out` must not come to be.
#[track_caller]
pub(crate) fn refused(context: &TestContext, args: &[String]) -> Answer {
    let before = files(&context.path(""));
    let answer = context.mlpack(args);
    assert_ne!(answer.code, 0, "{}", answer.stdout);
    assert_eq!(answer.stdout, "");
    assert_eq!(before, files(&context.path("")));
    assert!(!context.path("out").exists(), "an output was begun");
    answer
}

/// The small project and the arguments that package it into `out`.
pub(crate) fn arguments(context: &TestContext, base: &str) -> Vec<String> {
    let mut args = context.project(base);
    args.extend(["--output".to_owned(), "oci:out".to_owned()]);
    args
}

/// A context with the small project on a base that does.
pub(crate) fn context_and_project() -> Option<(TestContext, Vec<String>)> {
    let base = base("debian12-py311");
    let context = TestContext::offline()?;
    let args = arguments(&context, &base);
    Some((context, args))
}

#[test]
fn entry_script_without_run() {
    let (context, args) = need!(context_and_project());
    context.write("score.py", "def init():\n    pass\n");
    refused(&context, &args).is(str![[r#"
--- stderr
error[script.init-run]: [TEMP]/work/score.py: the entry script has no function `run` at its top level
  hint: add `def run(data):` that returns the prediction
error: the project has 1 error
hint: follow the hints above and run the command again; nothing was written
--- exit code 3

"#]]);
}

#[test]
fn entry_script_with_a_syntax_error() {
    let (context, args) = need!(context_and_project());
    context.write("score.py", "def init():\n    pass\n\n\ndef run(data):\n    return [data\n");
    refused(&context, &args).is(str![[r#"
--- stderr
error[script.syntax]: [TEMP]/work/score.py:7: column 1: unexpected EOF while parsing
  hint: fix the script; `python -m py_compile` reports the same place
error: the project has 1 error
hint: follow the hints above and run the command again; nothing was written
--- exit code 3

"#]]);
}

#[test]
fn a_missing_model() {
    let (context, args) = need!(context_and_project());
    fs::remove_file(context.path("model.bin")).unwrap();
    refused(&context, &args).is(str![[r#"
--- stderr
error[model.files]: model `model`: [TEMP]/work/model.bin does not exist
  hint: check the path; it is relative to the working directory
error: the project has 1 error
hint: follow the hints above and run the command again; nothing was written
--- exit code 3

"#]]);
}

#[test]
fn an_unknown_key() {
    let (context, args) = need!(context_and_project());
    context.write(
        "inferenceconfig.json",
        "{\n  \"entryScript\": \"score.py\",\n  \"condaFil\": \"environment.yml\"\n}",
    );
    refused(&context, &args).is(str![[r#"
--- stderr
error: [TEMP]/work/inferenceconfig.json:3:3: unknown key `condaFil`
hint: did you mean `condaFile`?
--- exit code 1

"#]]);
    let (context, args) = need!(context_and_project());
    context.write("environment.yml", "name: sums\ndependancies:\n  - pip\n");
    refused(&context, &args).is(str![[r#"
--- stderr
error: [TEMP]/work/environment.yml:2:1: unknown key `dependancies`
hint: did you mean `dependencies`?
--- exit code 1

"#]]);
    context.write("deploymentconfig.json", r#"{"computeType": "local", "prot": 80}"#);
    let mut args = vec!["deploy", "oci:base", "-n", "name", "--dc", "deploymentconfig.json"];
    context.mlpack(&args).is(str![[r#"
--- stderr
error: [TEMP]/work/deploymentconfig.json:1:26: unknown key `prot`
hint: did you mean `port`?
--- exit code 1

"#]]);
    context.write("deploymentconfig.json", r#"{"computeType": "lokal"}"#);
    args.truncate(6);
    context.mlpack(&args).is(str![[r#"
--- stderr
error: [TEMP]/work/deploymentconfig.json:1:2: `computeType` must be one of local, aci, aks, aksendpoint, iot, found `lokal`
--- exit code 1

"#]]);
}

#[test]
fn an_engine_that_does_not_run() {
    let (mut context, args) = need!(context_and_project());
    context.set("DOCKER_HOST", "unix:///nonexistent/docker.sock");
    refused(&context, &[without_last(&args), vec!["docker:name".to_owned()]].concat()).is(str![[r#"
--- stderr
error: cannot connect to Docker at /nonexistent/docker.sock: no such socket
hint: start Docker with `systemctl start docker` or `service docker start`; if it listens at another address, set DOCKER_HOST
--- exit code 1

"#]]);
    context.mlpack(&["service", "list"]).is(str![[r#"
--- stderr
error: cannot connect to Docker at /nonexistent/docker.sock: no such socket
hint: start Docker with `systemctl start docker` or `service docker start`; if it listens at another address, set DOCKER_HOST
--- exit code 1

"#]]);
    context.mlpack(&["deploy", "oci:base", "-n", "name"]).is(str![[r#"
--- stderr
error: cannot connect to Docker at /nonexistent/docker.sock: no such socket
hint: start Docker with `systemctl start docker` or `service docker start`; if it listens at another address, set DOCKER_HOST
--- exit code 1

"#]]);
    context.mlpack(&["inspect", "docker:name"]).is(str![[r#"
--- stderr
error: cannot connect to Docker at /nonexistent/docker.sock: no such socket
hint: start Docker with `systemctl start docker` or `service docker start`; if it listens at another address, set DOCKER_HOST
--- exit code 1

"#]]);
}

#[test]
fn a_registry_that_cannot_be_reached() {
    let (context, args) = need!(context_and_project());
    let away = "127.0.0.1:1/team/name:v1".to_owned();
    refused(&context, &[without_last(&args), vec![away.clone()]].concat()).is(str![[r#"
--- stderr
error: cannot connect to 127.0.0.1:1: Connection refused
hint: check that 127.0.0.1:1 is the right address and can be reached from here, or set HTTPS_PROXY
--- exit code 1

"#]]);
    refused(&context, &with_base(&args, &away)).is(str![[r#"
--- stderr
error: cannot connect to 127.0.0.1:1: Connection refused
hint: check that 127.0.0.1:1 is the right address and can be reached from here, or set HTTPS_PROXY
--- exit code 1

"#]]);
}

#[test]
fn dockerfile_lines_that_would_have_to_run() {
    let (context, mut args) = need!(context_and_project());
    context.write("steps", "ENV A=1\nRUN apt-get install gcc\nFROM scratch\n");
    args.extend(["--ds".to_owned(), "steps".to_owned()]);
    refused(&context, &args).is(str![[r#"
--- stderr
error[docker.steps]: [TEMP]/work/steps:2: RUN is not supported: mlpack runs no program and builds no other image
  hint: add Python packages to the conda file; for system packages build a base image and set baseImage to it
error[docker.steps]: [TEMP]/work/steps:3: FROM is not supported: mlpack runs no program and builds no other image
  hint: set the base image with baseImage or --base-image
error: the project has 2 errors
hint: follow the hints above and run the command again; nothing was written
--- exit code 3

"#]]);
}

/// A disk of 2 MB: the message, and what is left on it.
#[test]
fn a_full_disk() {
    let (context, args) = need!(context_and_project());
    if !is_root() || !has("unshare") {
        return;
    }
    context.write("model.bin", noise(3 << 20));
    fs::create_dir(context.path("small")).unwrap();
    for output in ["oci:small/out", "oci-archive:small/out.tar", "docker-archive:small/out.tar"] {
        let args = [without_last(&args), vec![output.to_owned()]].concat();
        let answer = on_small_disk(&context, &args);
        assert_ne!(answer.code, 97, "no mount: {}", answer.stderr);
        let text = answer.text().replace(&output.replace("oci:", ""), "[OUT]");
        assert!(answer.stderr.contains("the disk is full"), "{text}");
        assert!(answer.stderr.contains("left on the disk: 0\n"), "{text}");
        assert_eq!(answer.code, 1, "{text}");
    }
}

/// Runs the command with a small disk at `small`, which goes when the command ends.
fn on_small_disk(context: &TestContext, args: &[String]) -> Answer {
    let script = r#"mount -t tmpfs -o size=2m none small || exit 97
        "$0" "$@"
        code=$?
        echo "left on the disk: $(find small -mindepth 1 | wc -l)" >&2
        find small -mindepth 1 >&2
        exit $code"#;
    let unshare = ["--mount", "sh", "-c", script, env!("CARGO_BIN_EXE_mlpack")];
    let mut command = context.program("unshare", &unshare);
    command.args(args).arg("--quiet");
    context.answer(command, "")
}

fn without_last(args: &[String]) -> Vec<String> {
    args[..args.len() - 1].to_vec()
}

/// Removes the first occurrence of an option and its value.
fn without_first(args: &[String], option: &str) -> Vec<String> {
    let place = args.iter().position(|arg| arg == option).unwrap();
    [&args[..place], &args[place + 2..]].concat()
}

pub(crate) fn with_policy(args: &[String], policy: &str) -> Vec<String> {
    [without_first(args, "--policy"), vec!["--policy".to_owned(), policy.to_owned()]].concat()
}

pub(crate) fn with_base(args: &[String], base: &str) -> Vec<String> {
    [without_first(args, "--bi"), vec!["--bi".to_owned(), base.to_owned()]].concat()
}

/// A named pipe has no end that anyone will write.
#[test]
fn named_pipes_are_not_waited_for() {
    let (context, args) = need!(context_and_project());
    let pipe = |path: &str| {
        let path = context.path(path);
        let _ = fs::remove_file(&path);
        let mode = rustix::fs::Mode::from_raw_mode(0o644);
        rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    };
    let refused = |line: &[&str]| {
        let answer = context.mlpack(line);
        assert_ne!(answer.code, 0, "{}", answer.stdout);
        answer.text()
    };
    let blob = context.mlpack(&args).digest();
    pipe("score.py");
    let line: Vec<&str> = args.iter().map(String::as_str).collect();
    let mut said = refused(&line);
    pipe(&format!("out/blobs/sha256/{}", blob.strip_prefix("sha256:").unwrap()));
    said += &refused(&["inspect", "oci:out"]);
    pipe("out/index.json");
    said += &refused(&["inspect", "oci:out"]);
    pipe("image.tar");
    said += &refused(&["inspect", "docker-archive:image.tar"]);
    said = regex::Regex::new("[0-9a-f]{64}").unwrap().replace_all(&said, "[DIGEST]").into_owned();
    eq(
        &said,
        str![[r#"
--- stderr
error[script.file]: [TEMP]/work/inferenceconfig.json:1: the entry script [TEMP]/work/score.py is not a file
  hint: name the file with init() and run()
error: the project has 1 error
hint: follow the hints above and run the command again; nothing was written
--- exit code 3
--- stderr
error: cannot read [TEMP]/work/out/blobs/sha256/[DIGEST]: it is not a regular file
--- exit code 1
--- stderr
error: cannot read [TEMP]/work/out/index.json: it is not a regular file
--- exit code 1
--- stderr
error: cannot read [TEMP]/work/image.tar: it is not a regular file
--- exit code 1

"#]],
    );
}

#[test]
fn a_result_that_cannot_be_written() {
    let (context, args) = need!(context_and_project());
    let mut command = context.command(&args);
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let output = command.arg("--quiet").stdout(full).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    let message = "error: cannot write the result: No space left on device (os error 28)";
    assert!(said.starts_with(message), "{said}");
    assert_eq!(output.status.code(), Some(1));
    // Who closes a pipe has read enough.
    let mut command = context.command(&["bases"]);
    let mut child = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert!(child.wait().unwrap().success());
}
