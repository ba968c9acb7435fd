//! Images in the engine, and umoci as the judge of what is in them.

use std::path::Path;

use serde_json::Value;

use crate::kit::{TestContext, Tree, docker, has, is_root, of_folder, of_tar, runnable_base};
use crate::need;

#[test]
fn the_engine_as_output_and_as_source() {
    let docker = need!(docker("image"));
    let base = need!(runnable_base("debian12-py311"));
    let context = need!(TestContext::offline()).running().inheriting(&["DOCKER_HOST"]);
    let args = context.project(&base);
    let to = |output: &str| [args.clone(), vec!["--output".to_owned(), output.to_owned()]].concat();
    context.mlpack(&to("oci:out")).ok();
    let place = format!("docker:{}", docker.name);
    let pinned = context.mlpack(&to(&place));
    pinned.digest();
    let own = context.mlpack(&["inspect", "oci:out", "--format", "json"]).json();
    let there = context.mlpack(&["inspect", &place, "--format", "json"]).json();
    for key in ["imageId", "models", "packages", "env", "entrypoint", "ports", "user", "verdicts"] {
        assert_eq!(own[key], there[key], "{key}");
    }
    let seen: Value =
        serde_json::from_str(&docker.run(&["image", "inspect", &docker.name])).unwrap();
    assert_eq!(seen[0]["Config"]["User"], own["user"]);
    assert_eq!(seen[0]["Config"]["Env"], own["env"]);
    // What the engine holds may be checked and built upon.
    let check =
        context.mlpack(&["check", &place, "--policy", "current", "--format", "json"]).json();
    assert_eq!(check["passed"], true);
    // The archives are what `docker load` reads, and the same image.
    docker.run(&["rmi", &docker.name]);
    let archive = format!("docker-archive:out.tar:{}", docker.name);
    context.mlpack(&to(&archive)).ok();
    docker.run(&["load", "--input", context.path("out.tar").to_str().unwrap()]);
    assert_eq!(
        docker.run(&["image", "inspect", "-f", "{{.Id}}", &docker.name]),
        own["imageId"].as_str().unwrap()
    );
}

/// umoci unpacks the layout to the tree that Docker exports.
#[test]
fn umoci_and_docker_see_the_same_files() {
    let docker = need!(docker("umoci"));
    if !has("umoci") || !is_root() {
        return;
    }
    let base = need!(runnable_base("ubuntu18-miniconda-py36"));
    let context = need!(TestContext::offline()).running().inheriting(&["DOCKER_HOST"]);
    let mut args = context.project_under(&base, "azureml-2019");
    context.write("folder/deep/a", "a");
    args.extend(["-m", "folder=folder", "--output"].map(str::to_owned));
    let to = |output: String| [args.clone(), vec![output]].concat();
    context.mlpack(&to("oci:out:v1".to_owned())).ok();
    context.mlpack(&to(format!("docker:{}", docker.name))).ok();
    context.answer(context.program("umoci", &["unpack", "--image", "out:v1", "bundle"]), "").ok();
    docker.run(&["create", "--name", &docker.name, &docker.name]);
    let export = context.path("export.tar");
    docker.run(&["export", "--output", export.to_str().unwrap(), &docker.name]);
    let unpacked = own(of_folder(&context.path("bundle/rootfs")));
    let exported = own(of_tar(&export));
    assert!(unpacked.len() > 500, "{}", unpacked.len());
    for (path, found) in &unpacked {
        assert_eq!(exported.get(path), Some(found), "{path}");
    }
    assert_eq!(unpacked.len(), exported.len());
}

/// Without what an engine adds to every container.
fn own(tree: Tree) -> Tree {
    let added = [
        ".dockerenv",
        "dev",
        "proc",
        "sys",
        "etc/hosts",
        "etc/hostname",
        "etc/resolv.conf",
        "etc/mtab",
    ];
    tree.into_iter()
        .filter(|(path, _)| !added.iter().any(|added| Path::new(path).starts_with(added)))
        .collect()
}
