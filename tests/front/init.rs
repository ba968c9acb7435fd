//! `mlpack init`, and `mlpack quickstart` without running it.

use std::fs;

use snapbox::{file, str};

use crate::kit::{TestContext, base, files, image};
use crate::need;

#[test]
fn init_makes_a_project() {
    let context = TestContext::bare();
    context.mlpack(&["init", "My Service"]).is(str![[r#"
My Service/score.py
My Service/environment.yml
My Service/inferenceconfig.json
My Service/deploymentconfig.json
My Service/sample.json
My Service/README.md

"#]]);
    let texts: String = files(&context.path("My Service"))
        .iter()
        .map(|line| {
            let path = line.rsplit_once(' ').unwrap().0;
            let name = path.rsplit('/').next().unwrap();
            format!("=== {name}\n{}", fs::read_to_string(path).unwrap())
        })
        .collect();
    crate::kit::eq(&texts, file!["golden/init.txt"]);
    // A second time nothing is written over.
    context.write("My Service/score.py", "mine");
    context.mlpack(&["init", "My Service"]).is(str![[r#"
--- stderr
error: [TEMP]/work/My Service/score.py already exists
hint: choose another directory, or remove the file
--- exit code 2

"#]]);
    assert_eq!(fs::read_to_string(context.path("My Service/score.py")).unwrap(), "mine");
}

#[test]
fn the_project_of_init_packages_as_it_is() {
    let context = need!(TestContext::offline());
    let base = base("debian12-py311");
    context.mlpack(&["init"]).ok();
    context.write("model.pkl", "weights");
    let args = [
        "package",
        "--ic",
        "inferenceconfig.json",
        "-m",
        "model=model.pkl",
        "--bi",
        &base,
        "--policy",
        "current",
        "--output",
        "oci:out",
    ];
    let answer = context.mlpack(&args);
    assert_eq!(answer.stderr, "");
    assert_eq!(image(&context.path("out")).digest, answer.digest());
}

/// The README's main job without an engine, from an empty cache: uv and packages come from PyPI.
#[test]
fn quickstart_packages_the_sample() {
    let mut context = need!(TestContext::online()).own_cache();
    // The packages are those that PyPI has today.
    context.name_pattern(r"with \d+ packages", "with [COUNT] packages");
    context.name_pattern(r"image@sha256:[0-9a-f]{64}", "image@[DIGEST]");
    let base = base("debian12-py311");
    let args = ["quickstart", "demo", "--no-run", "--base-image", &base];
    let first = context.mlpack(&args);
    first.is(str![[r#"
created          demo
packaged         oci:demo/image@[DIGEST]
contents         score.py with [COUNT] packages on Python 3.11.9, model digits:0
inspect with     mlpack inspect oci:demo/image:quickstart

"#]]);
    let seen = context.mlpack(&["inspect", "oci:demo/image", "--format", "json"]).json();
    let packages = seen["packages"].as_array().unwrap();
    assert!(packages.len() <= 10, "{packages:?}");
    for name in ["numpy", "onnxruntime"] {
        assert!(packages.iter().any(|package| package["name"] == name), "{name}");
    }
    // A second run writes no file of the project again and gives the same image.
    let digest = image(&context.path("demo/image")).digest;
    context.mlpack(&args).ok();
    assert_eq!(image(&context.path("demo/image")).digest, digest);
}
