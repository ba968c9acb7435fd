//! The same sample on every Python: the base's own, or one that conda packages bring.

use std::fs;

use serde_json::Value;

use crate::kit::{self, TestContext, docker, runnable_base};
use crate::need;

/// Deploys the two models with an environment and compares the answer; a new interpreter if there is
/// a line for it.
#[track_caller]
fn serves(name: &str, base: &str, environment: &str) {
    let docker = need!(docker(name));
    let context = need!(TestContext::online()).running().inheriting(&["DOCKER_HOST"]);
    context.fixture("two-models");
    context.write("environment.yml", environment);
    let args = [
        &["model", "deploy", "-n", &docker.name, "-ic", "inferenceconfig.json"][..],
        &["-dc", "deploymentconfig.json", "-m", "digits:3=digits.onnx", "-m", "names=names"],
        &["--bi", base, "--policy", "current"],
    ];
    context.mlpack(&args.concat()).ok();
    let answer = context.mlpack(&["service", "run", "-n", &docker.name, "-d", "@sample.json"]);
    let expected = fs::read_to_string(context.path("expected.json")).unwrap();
    assert_eq!(answer.json(), serde_json::from_str::<Value>(&expected).unwrap());
    let python = ["exec", &docker.name, "python", "-c"];
    let code = "import sys, numpy; print('%d.%d' % sys.version_info[:2], sys.prefix)";
    let said = docker.run(&[&python[..], &[code]].concat());
    println!("{said}");
    let pip = "import sys; sys.exit(__import__('importlib.util').util.find_spec('pip') is None)";
    if std::process::Command::new("docker")
        .args([&python[..], &[pip]].concat())
        .status()
        .is_ok_and(|status| status.success())
    {
        let checked = docker.run(&["exec", &docker.name, "python", "-m", "pip", "check"]);
        assert_eq!(checked, "No broken requirements found.");
    }
}

const LIST: &str =
    "  - pip:\n    - azureml-inference-server-http\n    - numpy\n    - onnxruntime\n";

fn on_its_base(minor: u32) {
    let base = need!(runnable_base(&format!("debian12-py3{minor}")));
    serves(&format!("py3{minor}"), &base, &format!("dependencies:\n{LIST}"));
}

fn on_a_new_one(minor: u32) {
    let base = need!(runnable_base("debian12-py311"));
    let channel = need!(kit::runnable_channel(&[&format!("python-3.{minor}")]));
    let environment = format!(
        "name: svc\nchannels:\n  - {}\n  - nodefaults\ndependencies:\n  - python=3.{minor}\n{LIST}",
        channel.address("main")
    );
    serves(&format!("new3{minor}"), &base, &environment);
}

#[test]
fn python_3_7_of_conda() {
    on_a_new_one(7);
}

#[test]
fn python_3_8_of_the_base() {
    on_its_base(8);
}

#[test]
fn python_3_9_of_conda() {
    on_a_new_one(9);
}

#[test]
fn python_3_13_of_the_base() {
    on_its_base(13);
}
