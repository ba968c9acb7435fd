//! `mlpack env`: packages of projects, lock files and images, and what changed.

use std::fs;

use snapbox::str;

use crate::kit::{self, TestContext, base};
use crate::need;

fn run(context: &TestContext, project: &[String], verb: &str, more: &[&str]) {
    let mut args: Vec<String> = project.to_vec();
    args[0] = verb.to_owned();
    args.extend(more.iter().map(|arg| (*arg).to_owned()));
    context.mlpack(&args).ok();
}

#[test]
fn project_lock_and_image_list_the_same_packages() {
    let base = base("debian12-py311");
    let context = need!(TestContext::offline());
    let project = context.project(&base);
    context.mlpack(&["env", "list", "."]).is(str![[r#"
--- stderr
error: there is no [TEMP]/work/mlpack.lock
hint: run `mlpack lock` with the same arguments to create it
--- exit code 1

"#]]);
    run(&context, &project, "lock", &[]);
    run(&context, &project, "package", &["--output", "oci:out"]);
    let listed = context.mlpack(&["env", "list", "mlpack.lock"]);
    listed.is(str![[r#"
base    sha256:4e405fd3a9c7ad149252712ef15f9be494d7c593e1357120b9b1d200b980f827
python  3.11.9
server  builtin

PACKAGE  VERSION  KIND  FROM  SIZE
core     1.0      pip   file  -

"#]]);
    for source in [".", "inferenceconfig.json", "environment.yml"] {
        assert_eq!(context.mlpack(&["env", "list", source]).ok(), listed.ok(), "{source}");
    }
    context.mlpack(&["env", "list", "oci:out", "--format", "json"]).is(str![[r#"
{
  "base": null,
  "baseDigest": "sha256:4e405fd3a9c7ad149252712ef15f9be494d7c593e1357120b9b1d200b980f827",
  "python": "3.11.9",
  "server": "builtin",
  "packages": [
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
    context.mlpack(&["env", "diff", ".", "oci:out", "--exit-code"]).is(str![[r#"
no difference

"#]]);
}

#[test]
fn diff_lists_what_changed() {
    let base = base("debian12-py311");
    let context = need!(TestContext::offline());
    let project = context.project(&base);
    run(&context, &project, "lock", &[]);
    fs::copy(context.path("mlpack.lock"), context.path("before.lock")).unwrap();
    context.write("environment.yml", "dependencies:\n  - pip:\n    - core\n    - right\n");
    run(&context, &project, "package", &["--output", "oci:out"]);
    context.mlpack(&["env", "diff", "before.lock", "oci:out"]).is(str![[r#"
CHANGE   NAME   KIND  BEFORE  AFTER
changed  core   pip   1.0     2.0
added    right  pip   -       1.0

"#]]);
    let args = ["env", "diff", "oci:out", "before.lock", "--exit-code", "--format", "json"];
    context.mlpack(&args).is(str![[r#"
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
    let elsewhere = kit::base("debian12-py313");
    let args = ["--bi", &elsewhere, "--lock", "other.lock"];
    let mut other: Vec<String> = project.clone();
    other.truncate(5);
    other.extend(["--policy", "current"].map(str::to_owned));
    run(&context, &other, "lock", &args);
    let answer = context.mlpack(&["env", "diff", "before.lock", "other.lock"]);
    let facts: Vec<_> = answer.ok().lines().skip(1).take(2).collect();
    assert!(facts[0].starts_with("changed  base") && facts[1].contains("3.13."), "{facts:?}");
}

#[test]
fn packages_of_a_foreign_image_are_listed() {
    let base = base("ubuntu18-miniconda-py36");
    let context = TestContext::bare();
    let answer = context.mlpack(&["env", "list", &base, "--format", "json"]).json();
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
    context.mlpack(&["env", "list", "nothing at all"]).is(str![[r#"
--- stderr
error: `nothing at all` is not an image: invalid reference format; expected oci:DIR[:TAG], oci-archive:FILE, docker-archive:FILE, docker:NAME or REGISTRY/REPOSITORY[:TAG][@DIGEST]
hint: name a directory, a lock file, a conda file, or an image as for `mlpack inspect`
--- exit code 2

"#]]);
}

#[test]
fn conda_packages_are_listed_with_channel_build_and_size() {
    let base = base("debian12-py311");
    let channel = need!(kit::channel());
    let context = need!(TestContext::offline());
    let project = context.project(&base);
    let address = channel.address("main");
    context.write(
        "environment.yml",
        format!("name: sums\nchannels: [{address}]\ndependencies:\n- python=3.11\n- common=1.0\n"),
    );
    run(&context, &project, "lock", &[]);
    run(&context, &project, "package", &["--output", "oci:out"]);
    let answer = context.mlpack(&["env", "list", "."]);
    let line = answer.ok().lines().find(|line| line.starts_with("common ")).unwrap().to_owned();
    context.normalized(&format!("{line}\n")).is(str![[r#"
common   1.0      conda 0           main  627 B

"#]]);
    context.mlpack(&["env", "diff", ".", "oci:out"]).is(str![[r#"
no difference

"#]]);
    let packages =
        context.mlpack(&["inspect", "oci:out", "--format", "json"]).json()["packages"].clone();
    let kinds = packages.as_array().unwrap().iter().map(|package| package["kind"].clone());
    assert!(kinds.into_iter().any(|kind| kind == "conda"), "{packages}");
}
