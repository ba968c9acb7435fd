//! What is wrong is told, each thing in its own words, and nothing is written.

use std::fs;
use std::path::Path;

use snapbox::str;

use crate::kit::{Answer, World, base, blob_path, files, has, image, is_root};
use crate::need;

/// Runs a command that must fail and leave every file as it was; `out` must not come to be.
#[track_caller]
fn refused(world: &World, args: &[String]) -> Answer {
    let before = files(&world.path(""));
    let answer = world.mlpack(args);
    assert_ne!(answer.code, 0, "{}", answer.stdout);
    assert_eq!(answer.stdout, "");
    assert_eq!(before, files(&world.path("")));
    assert!(!world.path("out").exists(), "an output was begun");
    answer
}

/// The small project and the arguments that package it into `out`.
fn arguments(world: &World, base: &str) -> Vec<String> {
    let mut args = world.project(base);
    args.extend(["--output".to_owned(), "oci:out".to_owned()]);
    args
}

/// A world with the small project on a base that does.
fn ground() -> Option<(World, Vec<String>)> {
    let base = base("debian12-py311")?;
    let world = World::offline()?;
    let args = arguments(&world, &base);
    Some((world, args))
}

/// A copy of a base to be damaged, as `oci:base`.
fn copied(world: &World) -> Option<std::path::PathBuf> {
    let base = base("debian12-py311")?;
    let copy = world.path("base");
    let answer = world.program("cp", &["-r", base.strip_prefix("oci:")?, "base"]);
    world.answer(answer, "").ok();
    Some(copy)
}

fn largest_layer(layout: &Path) -> std::path::PathBuf {
    let layers = image(layout).layers().into_iter().map(|digest| blob_path(layout, &digest));
    layers.max_by_key(|path| path.metadata().unwrap().len()).unwrap()
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
fn a_base_that_is_debian() {
    let world = need!(World::offline());
    let args = arguments(&world, &need!(base("debian-py36")));
    refused(&world, &with_policy(&args, "azureml-2019")).is(str![[r#"
--- stderr
base image oci:[BASES]/debian-py36
FAILED  os  found debian 11  wanted ubuntu >=16.04
ok  conda  found 4.6.14 at /opt/miniconda  wanted >=4.5
ok  python  found 3.6.[PATCH] at /opt/miniconda/bin/python3.6  wanted 3.5 or 3.6
ok  architecture  found amd64  wanted amd64
os: Take a base made from Ubuntu 16.04 or newer. To use a Debian base, or one of today, check it with `--policy current` instead.
error: the base image does not meet the policy `azureml-2019`: os
hint: choose another base image, let a requirement pass by name with --allow, or another policy with --policy (`mlpack bases` lists them)
--- exit code 3

"#]]);
}

#[test]
fn a_base_with_conda_4_3() {
    let world = need!(World::offline());
    let args = arguments(&world, &need!(base("ubuntu18-conda43")));
    refused(&world, &with_policy(&args, "azureml-2019")).is(str![[r#"
--- stderr
base image oci:[BASES]/ubuntu18-conda43
ok  os  found ubuntu 18.04  wanted ubuntu >=16.04
FAILED  conda  found 4.3.31 at /opt/miniconda  wanted >=4.5
ok  python  found 3.6.[PATCH] at /opt/miniconda/bin/python3.6  wanted 3.5 or 3.6
ok  architecture  found amd64  wanted amd64
conda: Take a base with Miniconda 4.5 or newer, or run `conda update -n base conda` where the base is built. A base without conda can pass `--policy current`.
error: the base image does not meet the policy `azureml-2019`: conda
hint: choose another base image, let a requirement pass by name with --allow, or another policy with --policy (`mlpack bases` lists them)
--- exit code 3

"#]]);
}

#[test]
fn a_base_with_python_2_7() {
    let world = need!(World::offline());
    let args = arguments(&world, &need!(base("ubuntu18-py27")));
    refused(&world, &with_policy(&args, "azureml-2019")).is(str![[r#"
--- stderr
base image oci:[BASES]/ubuntu18-py27
ok  os  found ubuntu 18.04  wanted ubuntu >=16.04
ok  conda  found 4.6.14 at /opt/miniconda  wanted >=4.5
FAILED  python  found 2.7.[PATCH] at /opt/miniconda/bin/python2.7  wanted 3.5 or 3.6
ok  architecture  found amd64  wanted amd64
python: Take a base whose `python` on PATH is 3.5 or 3.6. If your code needs a newer Python, check the base with `--policy current`.
error: the base image does not meet the policy `azureml-2019`: python
hint: choose another base image, let a requirement pass by name with --allow, or another policy with --policy (`mlpack bases` lists them)
--- exit code 3

"#]]);
}

/// What `--allow` names is let pass, and told.
#[test]
fn a_failed_requirement_that_is_allowed() {
    let world = need!(World::offline());
    let mut args = with_policy(&arguments(&world, &need!(base("debian-py36"))), "azureml-2019");
    args.extend(["--allow".to_owned(), "os".to_owned()]);
    let answer = world.mlpack(&args);
    answer.digest();
    answer.is(str![[r#"
oci:out@sha256:[HEX]
--- stderr
warning: the base fails the requirement `os` of policy `azureml-2019`; --allow lets it pass

"#]]);
    args.extend(["--allow".to_owned(), "kernel".to_owned()]);
    fs::remove_dir_all(world.path("out")).unwrap();
    refused(&world, &args).is(str![[r#"
--- stderr
error: --allow kernel: the policy `azureml-2019` has no such requirement
hint: it has os, conda, python, architecture
--- exit code 2

"#]]);
}

#[test]
fn a_truncated_base_layer() {
    let mut world = need!(World::offline()).own_cache();
    let layout = need!(copied(&world));
    let args = arguments(&world, "oci:base");
    // Once whole, so that its facts are known: the damage must be seen all the same.
    world.mlpack(&args).digest();
    fs::remove_dir_all(world.path("out")).unwrap();
    let layer = largest_layer(&layout);
    // How long the layer is depends on the interpreter of this machine.
    let whole = layer.metadata().unwrap().len();
    world.call(&format!("is {} bytes long", whole / 2), "is [HALF] bytes long");
    world.call(&format!("descriptor says {whole}\n"), "descriptor says [WHOLE]\n");
    let file = fs::File::options().write(true).open(&layer).unwrap();
    file.set_len(whole / 2).unwrap();
    refused(&world, &args).is(str![[r#"
--- stderr
error: digest mismatch: blob [WORLD]/work/base/blobs/sha256/[HEX] should be sha256:[HEX] but its bytes are sha256:[HEX]
hint: the image was damaged in transfer or storage: fetch or save it again
--- exit code 1

"#]]);
    fs::remove_dir_all(world.root().join("cache")).unwrap();
    refused(&world, &args).is(str![[r#"
--- stderr
error: layer 4 of oci:[WORLD]/work/base (sha256:[HEX]) is [HALF] bytes long, its descriptor says [WHOLE]
hint: the image was damaged in transfer or storage: fetch or save it again
--- exit code 1

"#]]);
}

#[test]
fn a_digest_mismatch_in_a_layer_of_the_base() {
    let world = need!(World::offline()).own_cache();
    let layout = need!(copied(&world));
    let args = arguments(&world, "oci:base");
    let layer = largest_layer(&layout);
    // The time in a gzip header: the same size, the same content, other bytes.
    let mut bytes = fs::read(&layer).unwrap();
    bytes[4] ^= 1;
    fs::write(layer, bytes).unwrap();
    refused(&world, &args).is(str![[r#"
--- stderr
error: digest mismatch: layer 4 of oci:[WORLD]/work/base should be sha256:[HEX] but its bytes are sha256:[HEX]
hint: the image was damaged in transfer or storage: fetch or save it again
--- exit code 1

"#]]);
}

#[test]
fn a_digest_mismatch_in_the_config_of_the_base() {
    let world = need!(World::offline());
    let layout = need!(copied(&world));
    let args = arguments(&world, "oci:base");
    let config = image(&layout).manifest["config"]["digest"].as_str().unwrap().to_owned();
    let path = blob_path(&layout, &config);
    let text = fs::read_to_string(&path).unwrap();
    fs::write(path, text.replacen("linux", "Linux", 1)).unwrap();
    refused(&world, &args).is(str![[r#"
--- stderr
error: digest mismatch: config of oci:[WORLD]/work/base should be sha256:[HEX] but its bytes are sha256:[HEX]
hint: the image was damaged in transfer or storage: fetch or save it again
--- exit code 1

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
error: [WORLD]/work/inferenceconfig.json:3: unknown key `condaFil`
hint: did you mean `condaFile`?
--- exit code 1

"#]]);
    let (world, args) = need!(ground());
    world.write("environment.yml", "name: sums\ndependancies:\n  - pip\n");
    refused(&world, &args).is(str![[r#"
--- stderr
error: [WORLD]/work/environment.yml:2: unknown key `dependancies`
hint: did you mean `dependencies`?
--- exit code 1

"#]]);
    world.write("deploymentconfig.json", r#"{"computeType": "local", "prot": 80}"#);
    let mut args = vec!["deploy", "oci:base", "-n", "name", "--dc", "deploymentconfig.json"];
    world.mlpack(&args).is(str![[r#"
--- stderr
error: [WORLD]/work/deploymentconfig.json: unknown key `prot`
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
error: no Docker engine answers at /nonexistent/docker.sock: there is no such socket
hint: start it with `systemctl start docker` or `service docker start`; if it listens elsewhere, set DOCKER_HOST
--- exit code 1

"#]]);
    world.mlpack(&["service", "list"]).is(str![[r#"
--- stderr
error: no Docker engine answers at /nonexistent/docker.sock: there is no such socket
hint: start it with `systemctl start docker` or `service docker start`; if it listens elsewhere, set DOCKER_HOST
--- exit code 1

"#]]);
    world.mlpack(&["deploy", "oci:base", "-n", "name"]).is(str![[r#"
--- stderr
error: no Docker engine answers at /nonexistent/docker.sock: there is no such socket
hint: start it with `systemctl start docker` or `service docker start`; if it listens elsewhere, set DOCKER_HOST
--- exit code 1

"#]]);
    world.mlpack(&["inspect", "docker:name"]).is(str![[r#"
--- stderr
error: no Docker engine answers at /nonexistent/docker.sock: there is no such socket
hint: start it with `systemctl start docker` or `service docker start`; if it listens elsewhere, set DOCKER_HOST
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
error: [WORLD]/work/environment.yml:3: a tab is used to indent
hint: indent with spaces; YAML does not allow tabs there
--- exit code 1

"#]]);
    world.write("environment.yml", "dependencies:\n  - python\npip:\n  - core\n");
    refused(&world, &args).is(str![[r#"
--- stderr
error: [WORLD]/work/environment.yml:3: `pip:` stands beside `dependencies:`, not inside it
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
error: [WORLD]/work/environment.yml:2: pip must be a list of lines, indented below `- pip:`, found nothing
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

fn with_policy(args: &[String], policy: &str) -> Vec<String> {
    [without_first(args, "--policy"), vec!["--policy".to_owned(), policy.to_owned()]].concat()
}

fn with_base(args: &[String], base: &str) -> Vec<String> {
    [without_first(args, "--bi"), vec!["--bi".to_owned(), base.to_owned()]].concat()
}
