//! What is wrong is told, each thing in its own words, and nothing is written.

use std::fs;

use snapbox::str;

use crate::kit::{Answer, World, base, files, has, is_root};
use crate::need;

/// Runs a command that must fail and leave every file as it was; `out` must not come to be.
#[track_caller]
pub(crate) fn refused(world: &World, args: &[String]) -> Answer {
    let before = files(&world.path(""));
    let answer = world.mlpack(args);
    assert_ne!(answer.code, 0, "{}", answer.stdout);
    assert_eq!(answer.stdout, "");
    assert_eq!(before, files(&world.path("")));
    assert!(!world.path("out").exists(), "an output was begun");
    answer
}

/// The small project and the arguments that package it into `out`.
pub(crate) fn arguments(world: &World, base: &str) -> Vec<String> {
    let mut args = world.project(base);
    args.extend(["--output".to_owned(), "oci:out".to_owned()]);
    args
}

/// A world with the small project on a base that does.
pub(crate) fn ground() -> Option<(World, Vec<String>)> {
    let base = base("debian12-py311")?;
    let world = World::offline()?;
    let args = arguments(&world, &base);
    Some((world, args))
}

#[test]
fn no_run() {
    let (world, args) = need!(ground());
    world.write("score.py", "def init():\n    pass\n");
    refused(&world, &args).is(str![[r#"
--- stderr
error[script.init-run]: [WORLD]/work/score.py: the entry script has no function `run` at its top level
  remedy: add `def run(data):` that returns the prediction
error: the project has 1 error
hint: follow the remedies above and run the command again; nothing was written
--- exit code 3

"#]]);
}

#[test]
fn a_syntax_error() {
    let (world, args) = need!(ground());
    world.write("score.py", "def init():\n    pass\n\n\ndef run(data):\n    return [data\n");
    refused(&world, &args).is(str![[r#"
--- stderr
error[script.syntax]: [WORLD]/work/score.py:7: column 1: unexpected EOF while parsing
  remedy: correct the script; `python -m py_compile` shows the same place
error: the project has 1 error
hint: follow the remedies above and run the command again; nothing was written
--- exit code 3

"#]]);
}

#[test]
fn a_missing_model() {
    let (world, args) = need!(ground());
    fs::remove_file(world.path("model.bin")).unwrap();
    refused(&world, &args).is(str![[r#"
--- stderr
error[model.files]: model `model`: [WORLD]/work/model.bin does not exist
  remedy: check the path; it is relative to the working directory
error: the project has 1 error
hint: follow the remedies above and run the command again; nothing was written
--- exit code 3

"#]]);
}

#[test]
fn an_unknown_key() {
    let (world, args) = need!(ground());
    world.write(
        "inferenceconfig.json",
        "{\n  \"entryScript\": \"score.py\",\n  \"condaFil\": \"environment.yml\"\n}",
    );
    refused(&world, &args).is(str![[r#"
--- stderr
error: [WORLD]/work/inferenceconfig.json:3:3: unknown key `condaFil`
hint: did you mean `condaFile`?
--- exit code 1

"#]]);
    let (world, args) = need!(ground());
    world.write("environment.yml", "name: sums\ndependancies:\n  - pip\n");
    refused(&world, &args).is(str![[r#"
--- stderr
error: [WORLD]/work/environment.yml:2:1: unknown key `dependancies`
hint: did you mean `dependencies`?
--- exit code 1

"#]]);
    world.write("deploymentconfig.json", r#"{"computeType": "local", "prot": 80}"#);
    let mut args = vec!["deploy", "oci:base", "-n", "name", "--dc", "deploymentconfig.json"];
    world.mlpack(&args).is(str![[r#"
--- stderr
error: [WORLD]/work/deploymentconfig.json:1:26: unknown key `prot`
hint: did you mean `port`?
--- exit code 1

"#]]);
    world.write("deploymentconfig.json", r#"{"computeType": "lokal"}"#);
    args.truncate(6);
    world.mlpack(&args).is(str![[r#"
--- stderr
error: [WORLD]/work/deploymentconfig.json: `computeType` is the text "lokal"; expected one of local, aci, aks, aksendpoint, iot
--- exit code 1

"#]]);
}

#[test]
fn an_engine_that_does_not_run() {
    let (mut world, args) = need!(ground());
    world.set("DOCKER_HOST", "unix:///nonexistent/docker.sock");
    refused(&world, &[without_last(&args), vec!["docker:name".to_owned()]].concat()).is(str![[r#"
--- stderr
error: cannot connect to Docker at /nonexistent/docker.sock: no such socket
hint: start Docker with `systemctl start docker` or `service docker start`; if it listens at another address, set DOCKER_HOST
--- exit code 1

"#]]);
    world.mlpack(&["service", "list"]).is(str![[r#"
--- stderr
error: cannot connect to Docker at /nonexistent/docker.sock: no such socket
hint: start Docker with `systemctl start docker` or `service docker start`; if it listens at another address, set DOCKER_HOST
--- exit code 1

"#]]);
    world.mlpack(&["deploy", "oci:base", "-n", "name"]).is(str![[r#"
--- stderr
error: cannot connect to Docker at /nonexistent/docker.sock: no such socket
hint: start Docker with `systemctl start docker` or `service docker start`; if it listens at another address, set DOCKER_HOST
--- exit code 1

"#]]);
    world.mlpack(&["inspect", "docker:name"]).is(str![[r#"
--- stderr
error: cannot connect to Docker at /nonexistent/docker.sock: no such socket
hint: start Docker with `systemctl start docker` or `service docker start`; if it listens at another address, set DOCKER_HOST
--- exit code 1

"#]]);
}

#[test]
fn a_registry_that_cannot_be_reached() {
    let (world, args) = need!(ground());
    let away = "127.0.0.1:1/team/name:v1".to_owned();
    refused(&world, &[without_last(&args), vec![away.clone()]].concat()).is(str![[r#"
--- stderr
error: the connection to 127.0.0.1:1 failed: Connection refused
hint: check that 127.0.0.1:1 is right and up and can be reached from here, or set HTTPS_PROXY
--- exit code 1

"#]]);
    refused(&world, &with_base(&args, &away)).is(str![[r#"
--- stderr
error: the connection to 127.0.0.1:1 failed: Connection refused
hint: check that 127.0.0.1:1 is right and up and can be reached from here, or set HTTPS_PROXY
--- exit code 1

"#]]);
}

#[test]
fn a_package_that_does_not_exist() {
    let (world, args) = need!(ground());
    world.write(
        "environment.yml",
        "dependencies:\n  - pip:\n    - core\n    - no-such-thing-at-all\n",
    );
    refused(&world, &args).is(str![[r#"
--- stderr
error: the pip list cannot be met for cpython-3.11.[PATCH]-linux-amd64-glibc[GLIBC]
Because no-such-thing-at-all was not found in the provided package locations and you require no-such-thing-at-all, we can conclude that your requirements are unsatisfiable.
hint: loosen or pin the versions named above so that one set fits all
--- exit code 1

"#]]);
}

#[test]
fn a_package_that_pypi_does_not_have() {
    let base = need!(base("debian12-py311"));
    let world = need!(World::online());
    let args = arguments(&world, &base);
    world
        .write("environment.yml", "dependencies:\n  - pip:\n    - mlpack-no-such-package-at-all\n");
    refused(&world, &args).is(str![[r#"
--- stderr
error: there is no package `mlpack-no-such-package-at-all` in the index
hint: check the spelling in the `pip:` list, or add the index that has it
--- exit code 1

"#]]);
}

#[test]
fn packages_that_contradict_each_other() {
    let (world, args) = need!(ground());
    world.write("environment.yml", "dependencies:\n  - pip:\n    - left\n    - right\n");
    refused(&world, &args).is(str![[r#"
--- stderr
error: the pip list cannot be met for cpython-3.11.[PATCH]-linux-amd64-glibc[GLIBC]
Because all versions of right depend on core>=2 and all versions of left depend on core<2, we can conclude that all versions of left and all versions of right are incompatible.
And because you require left and right, we can conclude that your requirements are unsatisfiable.
hint: loosen or pin the versions named above so that one set fits all
--- exit code 1

"#]]);
}

#[test]
fn a_conda_file_that_asks_for_another_python() {
    let (world, mut args) = need!(ground());
    args.extend(["--environment".to_owned(), "base".to_owned()]);
    world.write("environment.yml", "dependencies:\n  - python=3.9\n  - pip:\n    - core\n");
    refused(&world, &args).is(str![[r#"
--- stderr
error: [WORLD]/work/environment.yml asks for `python=3.9`, the base image has Python 3.11.[PATCH] at /usr/local/bin/python3.11
hint: take a base image whose Python fits `python=3.9`, write `python=3.11.[PATCH]` into the conda file, or let the environment have its own with `--environment new`
--- exit code 1

"#]]);
    world.write("environment.yml", "dependencies:\n  - numpy=1.16\n  - pip:\n    - core\n");
    refused(&world, &args).is(str![[r#"
--- stderr
error: [WORLD]/work/environment.yml asks for conda packages, which cannot join the base's interpreter: numpy
hint: leave `--environment base` out, or list them below `pip:` if PyPI has them
--- exit code 1

"#]]);
}

#[test]
fn a_conda_file_that_is_written_wrong() {
    let (world, args) = need!(ground());
    world.write("environment.yml", "dependencies:\n  - python\n\t- pip\n");
    refused(&world, &args).is(str![[r#"
--- stderr
error: [WORLD]/work/environment.yml:3:1: a tab is used to indent
hint: indent with spaces; YAML does not allow tabs there
--- exit code 1

"#]]);
    world.write("environment.yml", "dependencies:\n  - python\npip:\n  - core\n");
    refused(&world, &args).is(str![[r#"
--- stderr
error: [WORLD]/work/environment.yml:3:1: `pip:` must be nested under `dependencies:`
hint: write it as
  dependencies:
    - python=3.6.[PATCH]
    - pip:
      - azureml-defaults
--- exit code 1

"#]]);
    world.write("environment.yml", "dependencies:\n  - pip:\n  - core\n");
    refused(&world, &args).is(str![[r#"
--- stderr
error: [WORLD]/work/environment.yml:2:5: `pip` must be a list of lines, indented below `- pip:`, found nothing
hint: write it as
  dependencies:
    - python=3.6.[PATCH]
    - pip:
      - azureml-defaults
--- exit code 1

"#]]);
}

#[test]
fn dockerfile_lines_that_would_have_to_run() {
    let (world, mut args) = need!(ground());
    world.write("steps", "ENV A=1\nRUN apt-get install gcc\nFROM scratch\n");
    args.extend(["--ds".to_owned(), "steps".to_owned()]);
    refused(&world, &args).is(str![[r#"
--- stderr
error[docker.steps]: [WORLD]/work/steps:2: RUN cannot be followed: no program is run and no other image is built
  remedy: put Python packages into the conda file; for system packages build a base image that has them and name it as baseImage
error[docker.steps]: [WORLD]/work/steps:3: FROM cannot be followed: no program is run and no other image is built
  remedy: name the base image with baseImage or --base-image
error: the project has 2 errors
hint: follow the remedies above and run the command again; nothing was written
--- exit code 3

"#]]);
}

/// A disk of 2 MB: the message, and what is left on it.
#[test]
fn a_full_disk() {
    let (world, args) = need!(ground());
    if !is_root() || !has("unshare") {
        return;
    }
    fs::create_dir(world.path("small")).unwrap();
    for output in ["oci:small/out", "oci-archive:small/out.tar", "docker-archive:small/out.tar"] {
        let args = [without_last(&args), vec![output.to_owned()]].concat();
        let answer = on_small_disk(&world, &args);
        assert_ne!(answer.code, 97, "no mount: {}", answer.stderr);
        let text = answer.text().replace(&output.replace("oci:", ""), "[OUT]");
        assert!(answer.stderr.contains("the disk is full"), "{text}");
        assert!(answer.stderr.contains("left on the disk: 0\n"), "{text}");
        assert_eq!(answer.code, 1, "{text}");
    }
}

/// Runs the command with a small disk at `small`, which goes when the command ends.
fn on_small_disk(world: &World, args: &[String]) -> Answer {
    let script = r#"mount -t tmpfs -o size=2m none small || exit 97
        "$0" "$@"
        code=$?
        echo "left on the disk: $(find small -mindepth 1 | wc -l)" >&2
        find small -mindepth 1 >&2
        exit $code"#;
    let unshare = ["--mount", "sh", "-c", script, env!("CARGO_BIN_EXE_mlpack")];
    let mut command = world.program("unshare", &unshare);
    command.args(args).arg("--quiet");
    world.answer(command, "")
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
