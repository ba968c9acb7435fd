//! `mlpack env`: packages of projects, lock files and images, and what changed.

use std::fs;

use snapbox::str;

use crate::kit::{self, World, base};
use crate::need;

fn run(world: &World, project: &[String], verb: &str, more: &[&str]) {
    let mut args: Vec<String> = project.to_vec();
    args[0] = verb.to_owned();
    args.extend(more.iter().map(|arg| (*arg).to_owned()));
    world.mlpack(&args).ok();
}

#[test]
fn a_project_its_lock_and_its_image_tell_the_same() {
    let base = need!(base("debian12-py311"));
    let world = need!(World::offline());
    let project = world.project(&base);
    world.mlpack(&["env", "list", "."]).is(str![[r#"
--- stderr
error: there is no [WORLD]/work/mlpack.lock
hint: `mlpack lock` with the same arguments makes it
--- exit code 1

"#]]);
    run(&world, &project, "lock", &[]);
    run(&world, &project, "package", &["--output", "oci:out"]);
    let listed = world.mlpack(&["env", "list", "mlpack.lock"]);
    listed.is(str![[r#"
base  sha256:[HEX]
python  3.11.[PATCH]
server  azureml-inference-server-http 1.4.0

PACKAGE  VERSION  KIND  FROM  SIZE
azureml-inference-server-http  1.4.0  pip  file  -
core  1.0  pip  file  -

"#]]);
    for source in [".", "inferenceconfig.json", "environment.yml"] {
        assert_eq!(world.mlpack(&["env", "list", source]).ok(), listed.ok(), "{source}");
    }
    world.mlpack(&["env", "list", "oci:out", "--format", "json"]).is(str![[r#"
{
  "base": null,
  "baseDigest": "sha256:[HEX]",
  "python": "3.11.[PATCH]",
  "server": "azureml-inference-server-http 1.4.0",
  "packages": [
    {
      "name": "azureml-inference-server-http",
      "kind": "pip",
      "version": "1.4.0",
      "build": null,
      "from": null,
      "size": null
    },
    {
      "name": "core",
      "kind": "pip",
      "version": "1.0",
      "build": null,
      "from": null,
      "size": null
    }
  ]
}

"#]]);
    world.mlpack(&["env", "diff", ".", "oci:out", "--exit-code"]).is(str![[r#"
no difference

"#]]);
}

#[test]
fn what_changed_is_told() {
    let base = need!(base("debian12-py311"));
    let world = need!(World::offline());
    let project = world.project(&base);
    run(&world, &project, "lock", &[]);
    fs::copy(world.path("mlpack.lock"), world.path("before.lock")).unwrap();
    world.write("environment.yml", "dependencies:\n  - pip:\n    - core\n    - right\n");
    run(&world, &project, "package", &["--output", "oci:out"]);
    world.mlpack(&["env", "diff", "before.lock", "oci:out"]).is(str![[r#"
CHANGE  NAME  KIND  BEFORE  AFTER
changed  core  pip  1.0  2.0
added  right  pip  -  1.0

"#]]);
    let args = ["env", "diff", "oci:out", "before.lock", "--exit-code", "--format", "json"];
    world.mlpack(&args).is(str![[r#"
[
  {
    "change": "changed",
    "name": "core",
    "kind": "pip",
    "before": "2.0",
    "after": "1.0"
  },
  {
    "change": "removed",
    "name": "right",
    "kind": "pip",
    "before": "1.0",
    "after": null
  }
]
--- exit code 1

"#]]);
    let elsewhere = need!(kit::base("debian12-py313"));
    let args = ["--bi", &elsewhere, "--lock", "other.lock"];
    let mut other: Vec<String> = project.clone();
    other.truncate(5);
    other.extend(["--policy", "current"].map(str::to_owned));
    run(&world, &other, "lock", &args);
    let answer = world.mlpack(&["env", "diff", "before.lock", "other.lock"]);
    let facts: Vec<_> = answer.ok().lines().skip(1).take(2).collect();
    assert!(facts[0].starts_with("changed  base") && facts[1].contains("3.13."), "{facts:?}");
}

#[test]
fn an_image_of_another_maker_is_read() {
    let base = need!(base("ubuntu18-miniconda-py36"));
    let world = World::bare();
    let answer = world.mlpack(&["env", "list", &base, "--format", "json"]).json();
    let packages = answer["packages"].as_array().unwrap();
    let conda = packages.iter().find(|one| one["name"] == "conda").unwrap();
    assert_eq!(
        *conda,
        serde_json::json!({
            "name": "conda", "kind": "conda", "version": "4.6.14", "build": null,
            "from": "/opt/miniconda", "size": null,
        })
    );
    assert!(answer["python"].as_str().unwrap().starts_with("3.6."), "{answer}");
    world.mlpack(&["env", "list", "nothing at all"]).is(str![[r#"
--- stderr
error: `nothing at all` is not an image: invalid reference format; expected oci:DIR[:TAG], oci-archive:FILE, docker-archive:FILE, docker:NAME or REGISTRY/REPOSITORY[:TAG][@DIGEST]
hint: name a folder, a lock file, a conda file, or an image as for `mlpack inspect`
--- exit code 2

"#]]);
}

#[test]
fn conda_packages_have_channel_build_and_size() {
    let base = need!(base("debian12-py311"));
    let channel = need!(kit::channel(&["python-3.11"]));
    let world = need!(World::offline());
    let project = world.project(&base);
    let address = channel.address("main");
    world.write(
        "environment.yml",
        format!("name: sums\nchannels: [{address}]\ndependencies:\n- python=3.11\n- common=1.0\n"),
    );
    run(&world, &project, "lock", &[]);
    run(&world, &project, "package", &["--output", "oci:out"]);
    let answer = world.mlpack(&["env", "list", "."]);
    let line = answer.ok().lines().find(|line| line.starts_with("common ")).unwrap().to_owned();
    world.say(&format!("{line}\n")).is(str![[r#"
common  1.0  conda 0  main  [SIZE]

"#]]);
    world.mlpack(&["env", "diff", ".", "oci:out"]).is(str![[r#"
no difference

"#]]);
    let packages =
        world.mlpack(&["inspect", "oci:out", "--format", "json"]).json()["packages"].clone();
    let kinds = packages.as_array().unwrap().iter().map(|package| package["kind"].clone());
    assert!(kinds.into_iter().any(|kind| kind == "conda"), "{packages}");
}
